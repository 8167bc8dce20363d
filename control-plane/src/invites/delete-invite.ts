import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; workspaceId: string; inviteId: string };

/** Takes an open invite back: its link is dead from the commit on. @throws Problem not_found */
export async function deleteInvite({ db, newId }: Deps, { caller, workspaceId, inviteId }: Input): Promise<void> {
  await asWorkspace(db, workspaceId, async (tx) => {
    const { rows } = await sql`delete from fc.invites
      where id = ${inviteId} and workspace_id = ${workspaceId} and accepted_at is null returning 1`.execute(tx);
    if (rows.length === 0) throw new Problem("not_found", "There is no such open invite.");
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId: null, actor: actorOf(caller), action: "invite.deleted", target: idOf("inv", inviteId),
    }); // prettier-ignore
  });
}
