import type { workspacePage } from "@feedback-chat/protocol/account";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type * as z from "zod";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller, type Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";

type Row = { id: string; name: string; role: Role; created_at: Date };

/** The workspaces that the caller is in, newest first. @throws Problem invalid_cursor */
export async function listWorkspaces(
  { db }: { db: Db },
  caller: Caller,
  page: PageQuery,
): Promise<z.input<typeof workspacePage>> {
  const { id: userId } = actorOf(caller);
  const scope = ["workspaces", userId];
  const before = pageStart(scope, page);
  // As the system: a person may be in several workspaces.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`
      select w.id, w.name, m.role, w.created_at from fc.workspace_members m join fc.workspaces w on w.id = m.workspace_id
      where m.user_id = ${userId} and (${before}::uuid is null or w.id < ${before}::uuid)
      order by w.id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, ({ id, name, role }) => ({ id: idOf("ws", id), name, role }));
}
