import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller, type Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { lockMembership } from "./lock-membership.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; workspaceId: string; userId: string };

/** Gives a member another role; it holds from their next request. @throws Problem forbidden, not_found, last_owner */
export async function changeMember({ db, newId }: Deps, { role, ...input }: Input & { role: Role }): Promise<void> {
  const { workspaceId, userId } = input;
  const actor = actorOf(input.caller);
  await asWorkspace(db, workspaceId, async (tx) => {
    await lockMembership(tx, { workspaceId, userId, callerId: actor.id, to: role });
    await sql`update fc.workspace_members set role = ${role} where workspace_id = ${workspaceId} and user_id = ${userId}`.execute(
      tx,
    );
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId: null, actor, action: `member.made_${role}`, target: idOf("usr", userId),
    }); // prettier-ignore
  });
}

/** Takes a member out; their account stays. @throws Problem forbidden, not_found, last_owner */
export async function removeMember({ db, newId }: Deps, { caller, workspaceId, userId }: Input): Promise<void> {
  const actor = actorOf(caller);
  await asWorkspace(db, workspaceId, async (tx) => {
    await lockMembership(tx, { workspaceId, userId, callerId: actor.id, to: null });
    await sql`delete from fc.workspace_members where workspace_id = ${workspaceId} and user_id = ${userId}`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId: null, actor, action: "member.removed", target: idOf("usr", userId),
    }); // prettier-ignore
  });
}
