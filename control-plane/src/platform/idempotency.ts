import { createHash } from "node:crypto";
import { idSchema, uuidOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Context } from "hono";
import * as z from "zod";
import { asSystem } from "./as-tenant.ts";
import type { Caller } from "./caller.ts";
import type { Db } from "./database.ts";
import { packSealed, unpackSealed } from "./pack-sealed.ts";
import type { SealedFor, Sealing } from "./sealing.ts";

/** `sealing` is null for answers without a secret, which are kept as they are. */
type Deps = { db: Db; sealing: Sealing | null };
type Request = {
  caller: Caller;
  route: string;
  body: unknown;
  /** What the path names: the kept answer goes with it. */
  projectId: string | null;
};

/**
 * Runs a creating request once per key, principal and route, for 24 hours: the same body gets the stored answer.
 * An answer that failed is not kept: the next try works anew.
 * @throws Problem idempotency_mismatch, idempotency_in_progress
 */
export async function withIdempotency(
  { db, sealing }: Deps,
  { caller, route, body, projectId }: Request,
  c: Context,
  run: () => Promise<Response>,
): Promise<Response> {
  const key = c.req.header("idempotency-key");
  if (!key) return run();
  if (key.length > 255) throw new Problem("invalid_request", "An Idempotency-Key has at most 255 characters.");
  const principal = principalOf(caller);
  const hash = createHash("sha256")
    .update(JSON.stringify([c.req.path, body]))
    .digest();
  const mine = sql`principal = ${principal} and route = ${route} and key = ${key}`;
  const belongsTo = { projectId: principal, id: key, type: route, version: 1 };
  // A claim without an answer for a minute is of a process that died: it may be taken over.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ is_mine: boolean; body_sha256: Buffer; status: number | null; answer: unknown }>`
      with claimed as (
        insert into fc.idempotency_keys as k (principal, route, key, body_sha256) values (${principal}, ${route}, ${key}, ${hash})
        on conflict (principal, route, key) do update set created_at = now(), body_sha256 = excluded.body_sha256, status = null, answer = null
          where k.created_at < now() - interval '24 hours' or (k.status is null and k.created_at < now() - interval '1 minute' and k.body_sha256 = excluded.body_sha256)
        returning true as is_mine, body_sha256, status, answer
      )
      select * from claimed union all
      select false, body_sha256, status, answer from fc.idempotency_keys where ${mine} and not exists (select from claimed)`.execute(
      tx,
    ),
  );
  const row = rows[0];
  // Two at once: the other one's claim is not visible to this statement yet.
  if (!row) throw new Problem("idempotency_in_progress", "A request with this Idempotency-Key has just begun.");
  if (!row.is_mine) {
    if (!row.body_sha256.equals(hash))
      throw new Problem("idempotency_mismatch", "This Idempotency-Key came with another body before.");
    if (row.status === null)
      throw new Problem("idempotency_in_progress", "The first request with this Idempotency-Key has not ended yet.");
    return c.json(opened(sealing, row.answer, belongsTo) as object, row.status as 200);
  }
  const forget = () => asSystem(db, (tx) => sql`delete from fc.idempotency_keys where ${mine}`.execute(tx));
  let response: Response;
  try {
    response = await run();
  } catch (error) {
    await forget();
    throw error;
  }
  const made: unknown = await response.clone().json();
  const answer = JSON.stringify(kept(sealing, made, belongsTo));
  await asSystem(db, (tx) =>
    sql`update fc.idempotency_keys set status = ${response.status}, answer = ${answer}::jsonb,
      project_id = (select p.id from fc.projects p where p.id = ${projectId ?? projectMade(made)}) where ${mine}`.execute(
      tx,
    ),
  );
  return response;
}

const madeProject = z.object({ project: z.object({ id: idSchema("prj") }) });

/** The answer to a new project names it, and holds its secrets. */
function projectMade(answer: unknown): string | null {
  const made = madeProject.safeParse(answer);
  return made.success ? uuidOf("prj", made.data.project.id) : null;
}

/** The database never holds a usable key, not even in here. */
function kept(sealing: Sealing | null, answer: unknown, belongsTo: SealedFor): unknown {
  if (!sealing) return answer;
  const sealed = packSealed(sealing.seal(JSON.stringify(answer), belongsTo));
  return { sealed: sealed.toString("base64") };
}

function opened(sealing: Sealing | null, stored: unknown, belongsTo: SealedFor): unknown {
  if (!sealing) return stored;
  const bytes = Buffer.from((stored as { sealed: string }).sealed, "base64");
  return JSON.parse(sealing.open(unpackSealed(bytes), belongsTo)) as unknown;
}

function principalOf(caller: Caller): string {
  if (caller.kind === "user") return `user ${caller.userId}`;
  if (caller.kind === "reporter") return `reporter ${caller.feedbackId}`;
  return caller.kind === "anyone" ? "anyone" : `key ${caller.keyId}`;
}
