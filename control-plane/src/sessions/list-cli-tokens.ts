import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { keyPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type * as z from "zod";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Row = {
  id: string;
  name: string;
  prefix: string;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
};

/** The caller's own CLI tokens: prefixes and machines only, newest first. @throws Problem invalid_cursor */
export async function listCliTokens(
  { db }: { db: Db },
  caller: Caller,
  page: PageQuery,
): Promise<z.input<typeof keyPage>> {
  const { id: userId } = actorOf(caller);
  const scope = ["cli-tokens", userId];
  const before = pageStart(scope, page);
  // As the system: such a token belongs to a person, not to a workspace.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`select id, name, prefix, created_at, last_used_at, revoked_at from fc.api_keys
      where kind = 'user' and user_id = ${userId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, ({ id, name, prefix, created_at, last_used_at, revoked_at }) => ({
    id: idOf("key", id), name, prefix, scopes: [], createdAt: created_at.toISOString(), expiresAt: null,
    lastUsedAt: last_used_at?.toISOString() ?? null, revokedAt: revoked_at?.toISOString() ?? null,
  })); // prettier-ignore
}

/** Dead at its next request. Twice is as good as once. @throws Problem not_found for another person's */
export async function revokeCliToken(
  { db, newId }: { db: Db; newId: () => string },
  { caller, keyId }: { caller: Caller; keyId: string },
): Promise<void> {
  const actor = actorOf(caller);
  await asSystem(db, async (tx) => {
    const { rows } = await sql`update fc.api_keys set revoked_at = coalesce(revoked_at, now())
      where id = ${keyId} and kind = 'user' and user_id = ${actor.id} returning 1`.execute(tx);
    if (rows.length === 0) throw new Problem("not_found", "There is no such CLI token of yours.");
    await writeAudit(tx, {
      id: newId(), workspaceId: null, projectId: null, actor, action: "user_key.revoked", target: idOf("key", keyId),
    }); // prettier-ignore
  });
}
