import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db };
type Attempt = { email: string; address: string };

const maxFailures = 5;
const lockMinutes = 15;

/**
 * Counts a try as a failure before it is judged, so that of many at once no more pass than one after the other; take it
 * back, or forget all, once it was none. After 5 wrong passwords for an account from one address, that address waits 15
 * minutes for it; others do not, so nobody locks a person out. Unknown accounts count the same.
 * @throws Problem rate_limited
 */
export async function countAttempt({ db }: Deps, attempt: Attempt): Promise<void> {
  const key = keyOf(attempt);
  const isOld = sql`f.last_at <= now() - make_interval(mins => ${lockMinutes})`;
  const retryAfterSeconds = await asSystem(db, async (tx) => {
    const counted = await sql`insert into fc.login_failures as f (key, failures) values (${key}, 1)
      on conflict (key) do update set last_at = now(), failures = case when ${isOld} then 1 else f.failures + 1 end
        where f.failures < ${maxFailures} or ${isOld} returning 1`.execute(tx);
    if (counted.rows.length > 0) return 0;
    const { rows } = await sql<{ seconds: number }>`
      select ceil(extract(epoch from last_at + make_interval(mins => ${lockMinutes}) - now()))::int as seconds
      from fc.login_failures where key = ${key}`.execute(tx);
    return Math.max(1, rows[0]?.seconds ?? 1);
  });
  if (retryAfterSeconds > 0)
    throw new Problem("rate_limited", "Too many wrong passwords for this account.", {
      facts: { retryAfterSeconds },
    });
}

/** For a try that was no guess, or was right where a right one forgives no other. */
export async function takeBackAttempt({ db }: Deps, attempt: Attempt): Promise<void> {
  await asSystem(db, (tx) =>
    sql`update fc.login_failures set failures = failures - 1 where key = ${keyOf(attempt)} and failures > 0`.execute(
      tx,
    ),
  );
}

export async function forgetFailures({ db }: Deps, attempt: Attempt): Promise<void> {
  await asSystem(db, (tx) => sql`delete from fc.login_failures where key = ${keyOf(attempt)}`.execute(tx));
}

function keyOf({ email, address }: Attempt): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([email.toLowerCase(), address]))
    .digest();
}
