import { sql } from "kysely";
import { checkMembership } from "../core/check-membership.ts";
import type { Role } from "../platform/caller.ts";
import type { Tx } from "../platform/database.ts";

type Change = { workspaceId: string; callerId: string | null; userId: string; to: Role | null };

/**
 * Locks the workspace, then looks at the roles as they are now: of two owners who demote each other at once the second
 * is no owner any more when it is their turn.
 * @throws Problem forbidden, not_found, last_owner
 */
export async function lockMembership(tx: Tx, { workspaceId, callerId, userId, to }: Change): Promise<void> {
  // A statement of its own: what it waited for is only seen by the next one.
  await sql`select from fc.workspaces where id = ${workspaceId} for update`.execute(tx);
  const { rows } = await sql<{ userId: string; role: Role }>`
    select user_id as "userId", role from fc.workspace_members
    where workspace_id = ${workspaceId} and (role = 'owner' or user_id in (${callerId}, ${userId}))`.execute(tx);
  const roleOf = (id: string | null) => rows.find((row) => row.userId === id)?.role;
  const owners = rows.filter(({ role }) => role === "owner").length;
  checkMembership({ caller: roleOf(callerId), target: roleOf(userId), to, owners });
}
