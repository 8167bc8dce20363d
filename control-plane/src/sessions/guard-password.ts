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
 * After 5 wrong passwords for an account from one address, that address waits 15 minutes for it; others do not, so
 * nobody locks a person out. Unknown accounts count the same.
 * @throws Problem rate_limited
 */
export async function refuseGuessing({ db }: Deps, attempt: Attempt): Promise<void> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ seconds: number }>`
      select ceil(extract(epoch from last_at + make_interval(mins => ${lockMinutes}) - now()))::int as seconds
      from fc.login_failures where key = ${keyOf(attempt)} and failures >= ${maxFailures}
        and last_at > now() - make_interval(mins => ${lockMinutes})`.execute(tx),
  );
  const retryAfterSeconds = rows[0]?.seconds;
  if (retryAfterSeconds !== undefined)
    throw new Problem("rate_limited", "Too many wrong passwords for this account.", {
      facts: { retryAfterSeconds },
    });
}

export async function countFailure({ db }: Deps, attempt: Attempt): Promise<void> {
  await asSystem(db, (tx) =>
    sql`insert into fc.login_failures as f (key, failures) values (${keyOf(attempt)}, 1)
      on conflict (key) do update set last_at = now(),
        failures = case when f.last_at < now() - make_interval(mins => ${lockMinutes}) then 1 else f.failures + 1 end`.execute(
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
