import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { type InviteRow, toInvite } from "./to-invite.ts";

/** The open ones, the newest hundred. */
export async function listInvites({ db }: { db: Db }, workspaceId: string) {
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<InviteRow>`select id, email, role, expires_at, created_at from fc.invites
      where workspace_id = ${workspaceId} and accepted_at is null and expires_at > now() order by id desc limit 100`.execute(
      tx,
    ),
  );
  return { items: rows.map(toInvite), nextCursor: null };
}
