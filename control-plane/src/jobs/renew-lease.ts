import { sql } from "kysely";
import type { Config } from "../config.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import type { Signals } from "../platform/signals.ts";
import { isHeldBy, leaseLost } from "./lease-fence.ts";

type Deps = { db: Db; signals: Signals; config: Pick<Config, "figures"> };
type Renewed = { expiresAt: string; cancel: boolean; drain: boolean };

/**
 * Extends the lease on arrival, then answers as soon as there is something to say, or when the wait is over.
 * @throws Problem lease_lost, also when it is lost during the wait.
 */
export async function renewLease(
  { db, signals, config }: Deps,
  lease: HeldLease,
  { waitSeconds, signal }: { waitSeconds: number; signal: AbortSignal },
): Promise<Renewed> {
  const woken = signals.next("leases", lease.jobId);
  try {
    const renewed = await extend({ db }, lease, config.figures.leaseSeconds);
    if (renewed.cancel || renewed.drain || waitSeconds === 0) return renewed;
    await woken.wait(waitSeconds * 1_000, signal);
    return await lookAgain({ db }, lease);
  } finally {
    woken.cancel();
  }
}

type Row = { expires_at: Date; cancel: boolean; drain: boolean };

async function extend({ db }: Pick<Deps, "db">, lease: HeldLease, leaseSeconds: number): Promise<Renewed> {
  const { rows } = await asWorker(db, lease, (tx) =>
    sql<Row>`
      with renewed as (
        update fc.job_queue j set lease_expires_at = now() + make_interval(secs => ${leaseSeconds}) where ${isHeldBy(lease)}
        returning j.worker_id, j.lease_expires_at, j.cancel_requested_at
      ), seen as (
        update fc.workers w set last_seen_at = now() from renewed where w.id = renewed.worker_id
      )
      select r.lease_expires_at as expires_at, r.cancel_requested_at is not null as cancel,
        coalesce((select w.is_draining from fc.workers w where w.id = r.worker_id), false) as drain from renewed r`.execute(
      tx,
    ),
  );
  return renewedOf(rows[0]);
}

async function lookAgain({ db }: Pick<Deps, "db">, lease: HeldLease): Promise<Renewed> {
  const { rows } = await asWorker(db, lease, (tx) =>
    sql<Row>`
      select j.lease_expires_at as expires_at, j.cancel_requested_at is not null as cancel, coalesce(w.is_draining, false) as drain
      from fc.job_queue j left join fc.workers w on w.id = j.worker_id where ${isHeldBy(lease)}`.execute(tx),
  );
  return renewedOf(rows[0]);
}

/** @throws Problem lease_lost when there is no row that the lease holds. */
function renewedOf(row: Row | undefined): Renewed {
  if (!row) throw leaseLost();
  return { expiresAt: row.expires_at.toISOString(), cancel: row.cancel, drain: row.drain };
}
