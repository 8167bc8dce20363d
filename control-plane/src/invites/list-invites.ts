import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";
import { type InviteRow, toInvite } from "./to-invite.ts";

/** The open ones, newest first. @throws Problem invalid_cursor */
export async function listInvites({ db }: { db: Db }, workspaceId: string, page: PageQuery) {
  const scope = ["invites", workspaceId];
  const before = pageStart(scope, page);
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<InviteRow>`select id, email, role, expires_at, created_at from fc.invites
      where workspace_id = ${workspaceId} and accepted_at is null and expires_at > now()
        and (${before}::uuid is null or id < ${before}::uuid) order by id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, toInvite);
}
