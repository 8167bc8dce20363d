import { idOf } from "@feedback-chat/protocol/ids";
import type { Member } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";

type Page = { workspaceId: string; limit: number; cursor: string | undefined };
type Row = { id: string; login: string; name: string; email: string | null; role: Role; joined_at: Date };

/** Newest account first. @throws Problem invalid_cursor */
export async function listMembers({ db }: { db: Db }, { workspaceId, limit, cursor }: Page) {
  const scope = ["members", workspaceId];
  const after = cursor === undefined ? null : placeOf(scope, cursor).id;
  // As the system: people are not of one tenant.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`
      select u.id, u.login, u.name, u.email, m.role, m.created_at as joined_at
      from fc.workspace_members m join fc.users u on u.id = m.user_id
      where m.workspace_id = ${workspaceId} and (${after}::uuid is null or u.id < ${after}::uuid)
      order by u.id desc limit ${limit + 1}`.execute(tx),
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  const items = rows.slice(0, limit).map(({ id, joined_at: joinedAt, ...row }): Member => ({
    ...row,
    userId: idOf("usr", id),
    joinedAt: joinedAt.toISOString(),
  }));
  return { items, nextCursor: last ? cursorOf(scope, { at: last.joined_at.toISOString(), id: last.id }) : null };
}
