import { idOf } from "@feedback-chat/protocol/ids";
import type { Workspace } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import type { Actor } from "@feedback-chat/protocol/actor";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { newId: () => string };
type Owner = { userId: string; actor: Actor };

/** A workspace of the caller's own. */
export async function createWorkspace(
  { db, newId }: Deps & { db: Db },
  { owner, name }: { owner: Owner; name: string },
): Promise<Workspace> {
  const id = newId();
  await asWorkspace(db, id, (tx) => insertWorkspace(tx, { newId }, { id, owner, name }));
  return { id: idOf("ws", id), name, role: "owner" };
}

/** In the caller's transaction, which works for this workspace or as the system. */
export async function insertWorkspace(
  tx: Tx,
  { newId }: Deps,
  { id, owner, name }: { id: string; owner: Owner; name: string },
): Promise<void> {
  await sql`
    with made as (insert into fc.workspaces (id, name) values (${id}, ${name}) returning id)
    insert into fc.workspace_members (workspace_id, user_id, role) select id, ${owner.userId}, 'owner' from made`.execute(
    tx,
  );
  await writeAudit(tx, {
    id: newId(), workspaceId: id, projectId: null, actor: owner.actor, action: "workspace.created", target: idOf("ws", id),
  }); // prettier-ignore
}
