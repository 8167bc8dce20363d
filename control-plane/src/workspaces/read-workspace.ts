import { idOf } from "@feedback-chat/protocol/ids";
import type { Workspace } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

/** The workspace as the caller, a member, sees it. */
export async function readWorkspace(
  { db }: { db: Db },
  { caller, workspaceId }: { caller: Caller; workspaceId: string },
): Promise<Workspace> {
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<{ name: string }>`select name from fc.workspaces where id = ${workspaceId}`.execute(tx),
  );
  const role = (caller.kind === "user" && caller.roles[workspaceId]) || "viewer";
  return { id: idOf("ws", workspaceId), name: rows[0]?.name ?? "", role };
}
