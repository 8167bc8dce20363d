import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { Member } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

type Page = { workspaceId: string; limit: number; cursor: string | undefined };
type Row = { id: string; login: string; name: string; email: string | null; role: Role; joined_at: Date };

/** Newest account first. @throws Problem invalid_cursor */
export async function listMembers({ db }: { db: Db }, { workspaceId, limit, cursor }: Page) {
  const after = cursor === undefined ? null : uuidOfCursor(cursor);
  // As the system: people are not of one tenant.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`
      select u.id, u.login, u.name, u.email, m.role, m.created_at as joined_at
      from fc.workspace_members m join fc.users u on u.id = m.user_id
      where m.workspace_id = ${workspaceId} and (${after}::uuid is null or u.id < ${after}::uuid)
      order by u.id desc limit ${limit + 1}`.execute(tx),
  );
  const items = rows.slice(0, limit).map(({ id, joined_at: joinedAt, ...row }): Member => ({
    ...row,
    userId: idOf("usr", id),
    joinedAt: joinedAt.toISOString(),
  }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.userId ?? null) : null };
}

function uuidOfCursor(cursor: string): string {
  try {
    return uuidOf("usr", cursor);
  } catch (error) {
    if (!isProblem(error, "not_found")) throw error;
    throw new Problem("invalid_cursor", "This cursor is not of this list.", { cause: error });
  }
}
