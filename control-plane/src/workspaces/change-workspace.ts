import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Workspace } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { readWorkspace } from "./read-workspace.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; workspaceId: string };

export async function renameWorkspace(deps: Deps, input: Input & { name: string }): Promise<Workspace> {
  const { caller, workspaceId, name } = input;
  await asWorkspace(deps.db, workspaceId, async (tx) => {
    await sql`update fc.workspaces set name = ${name} where id = ${workspaceId}`.execute(tx);
    await audit(tx, deps, { caller, workspaceId, action: "workspace.renamed" });
  });
  return readWorkspace(deps, input);
}

/**
 * Deletes a workspace that has no project any more, with its members, invites, worker keys and what deleted projects
 * left; its audit rows stay.
 * @throws Problem conflict while it has projects
 */
export async function deleteWorkspace(deps: Deps, { caller, workspaceId }: Input): Promise<void> {
  await asWorkspace(deps.db, workspaceId, async (tx) => {
    // A project that is being made holds the row: it is seen once the lock is ours.
    await sql`select from fc.workspaces where id = ${workspaceId} for update`.execute(tx);
    const { rows } = await sql`
      delete from fc.workspaces where id = ${workspaceId} and not exists (
        select from fc.projects where workspace_id = ${workspaceId} and deleted_at is null) returning 1`.execute(tx);
    if (rows.length === 0)
      throw new Problem("conflict", "This workspace has projects.", { next: "Delete its projects first." });
    await audit(tx, deps, { caller, workspaceId, action: "workspace.deleted" });
  });
}

async function audit(tx: Parameters<typeof writeAudit>[0], { newId }: Deps, done: Input & { action: string }) {
  const { caller, workspaceId, action } = done;
  await writeAudit(tx, {
    id: newId(), workspaceId, projectId: null, actor: actorOf(caller), action, target: idOf("ws", workspaceId),
  }); // prettier-ignore
}
