import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Db, Tx } from "./database.ts";

/**
 * Counts one request against a bucket's limit per minute, on all replicas together.
 * @throws Problem rate_limited, with the time after which a request is served again.
 */
export async function takeTurn(db: Db | Tx, bucket: string, perMinute: number): Promise<void> {
  const { rows } = await sql<{ seconds: number }>`select fc.take_turn(${bucket}, ${perMinute}) as seconds`.execute(db);
  refuseUntil(rows[0]?.seconds ?? 0);
}

/** @throws Problem rate_limited when there are seconds to wait. */
export function refuseUntil(seconds: number): void {
  if (seconds <= 0) return;
  const retryAfterSeconds = Math.ceil(seconds);
  throw new Problem("rate_limited", `Too many requests: wait ${retryAfterSeconds} s.`, {
    facts: { retryAfterSeconds },
  });
}

/** Buckets that are empty again say nothing. */
export async function forgetTurns(tx: Tx): Promise<void> {
  await sql`delete from fc.turns where next_at < now()`.execute(tx);
}
