import { createHash } from "node:crypto";
import { idSchema, uuidOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Context } from "hono";
import * as z from "zod";
import { asSystem, goOnAsSystem } from "./as-tenant.ts";
import type { Caller } from "./caller.ts";
import type { Db, Tx } from "./database.ts";
import { holdLast } from "./hold-last.ts";
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

type Run = (db: Db) => Promise<Response>;

/**
 * Runs a creating request once per key, principal and route, for 24 hours: the same body gets the stored answer. The
 * answer commits with the work, or neither does: whoever dies between the two leaves only a claim, which ends.
 * An answer that failed is not kept: the next try works anew.
 * @throws Problem idempotency_mismatch, idempotency_in_progress
 */
export async function withIdempotency(deps: Deps, request: Request, c: Context, run: Run): Promise<Response> {
  const { db, sealing } = deps;
  const key = c.req.header("idempotency-key");
  if (!key) return run(db);
  if (key.length > 255) throw new Problem("invalid_request", "An Idempotency-Key has at most 255 characters.");
  const principal = principalOf(request.caller);
  const hash = createHash("sha256")
    .update(JSON.stringify([c.req.path, request.body]))
    .digest();
  const asked = { principal, route: request.route, key };
  const claim = await claimKey(db, asked, hash);
  const belongsTo = { projectId: principal, id: key, type: request.route, version: 1 };
  if (claim.status !== null) return c.json(opened(sealing, claim.answer, belongsTo) as object, claim.status as 200);
  const mine = sql`principal = ${principal} and route = ${request.route} and key = ${key}
    and created_at = ${claim.claimedAt}::timestamptz and status is null`;
  const held = holdLast(db);
  const keep = async (tx: Tx, response: Response) => {
    const made: unknown = await response.clone().json();
    const answer = JSON.stringify(kept(sealing, made, belongsTo));
    await goOnAsSystem(tx);
    const { rows } = await sql`
      update fc.idempotency_keys set status = ${response.status}, answer = ${answer}::jsonb,
        project_id = (select p.id from fc.projects p where p.id = ${request.projectId ?? projectMade(made)})
      where ${mine} returning true`.execute(tx);
    if (rows.length === 0) throw takenOver();
  };
  try {
    const response = await run(held.db);
    const isKept = await held.end((tx) => keep(tx, response));
    if (!isKept) await asSystem(db, (tx) => keep(tx, response));
    return response;
  } catch (error) {
    await held.letGo();
    await asSystem(db, (tx) => sql`delete from fc.idempotency_keys where ${mine}`.execute(tx));
    throw error;
  }
}

/** `status` is of the stored answer; null: the key is this request's now, since `claimedAt`. */
type Claim = { status: number | null; answer: unknown; claimedAt: string };
type Asked = { principal: string; route: string; key: string };

/** In a transaction of its own, so that a request beside this one sees that it runs. */
async function claimKey(db: Db, { principal, route, key }: Asked, hash: Buffer): Promise<Claim> {
  // A claim without an answer for a minute is of a process that died: it may be taken over.
  const { rows } = await asSystem(db, (tx) =>
    sql<Claim & { isMine: boolean; hash: Buffer }>`
      with claimed as (
        insert into fc.idempotency_keys as k (principal, route, key, body_sha256) values (${principal}, ${route}, ${key}, ${hash})
        on conflict (principal, route, key) do update set created_at = now(), body_sha256 = excluded.body_sha256, status = null, answer = null
          where k.created_at < now() - interval '24 hours' or (k.status is null and k.created_at < now() - interval '1 minute' and k.body_sha256 = excluded.body_sha256)
        returning true as is_mine, body_sha256, status, answer, created_at
      ), found as (
        select * from claimed union all
        select false, body_sha256, status, answer, created_at from fc.idempotency_keys
          where principal = ${principal} and route = ${route} and key = ${key} and not exists (select from claimed)
      )
      select is_mine as "isMine", body_sha256 as hash, status, answer, created_at::text as "claimedAt" from found`.execute(
      tx,
    ),
  );
  const row = rows[0];
  // Two at once: the other one's claim is not visible to this statement yet.
  if (!row) throw new Problem("idempotency_in_progress", "A request with this Idempotency-Key has just begun.");
  if (row.isMine) return row;
  if (!row.hash.equals(hash))
    throw new Problem("idempotency_mismatch", "This Idempotency-Key came with another body before.");
  if (row.status === null)
    throw new Problem("idempotency_in_progress", "The first request with this Idempotency-Key has not ended yet.");
  return row;
}

/** This one stood still for a minute, and a repeat took its place: what it did is undone. */
const takenOver = () =>
  new Problem("idempotency_in_progress", "A later request with this Idempotency-Key took over from this one.");

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
