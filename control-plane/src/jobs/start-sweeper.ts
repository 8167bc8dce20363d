import { sql } from "kysely";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { deafKinds, overdueKinds } from "./find-due.ts";
import { forgetTurns } from "../platform/take-turn.ts";
import { sweepJobs } from "./sweep-jobs.ts";
import { wakeBudgetWaits } from "./wake-budget-waits.ts";

type Deps = { db: Db; config: Pick<Config, "figures">; log: Log };

/** Cancels have the shortest deadline: they are looked at so many times within one sweep. */
const looksPerSweep = 5;

/**
 * Sweeps until it is stopped. In its first seconds, and after the database came back, it expires nothing: then the
 * workers could not renew, and it is not their fault.
 */
export function startSweeper(deps: Deps): { stop(): Promise<void> } {
  const { figures } = deps.config;
  const everyMs = (figures.sweepEverySeconds * 1_000) / looksPerSweep;
  const stopped = Promise.withResolvers<void>();
  let graceEndsMs = performance.now() + figures.sweeperGraceSeconds * 1_000;
  let isStopped = false;
  let isDatabaseLost = false;

  async function work(): Promise<void> {
    for (let looks = 0; !isStopped; looks += 1) {
      try {
        await sweepJobs(deps, deafKinds(figures));
        if (isDatabaseLost) graceEndsMs = performance.now() + figures.sweeperGraceSeconds * 1_000;
        isDatabaseLost = false;
        if (looks % looksPerSweep === 0) await sweepAll();
      } catch (error) {
        // The timer must outlive every error: without it nothing would ever be given back.
        isDatabaseLost = true;
        deps.log.warn("sweeper.interrupted", { error });
      }
      await pause(everyMs);
    }
  }

  async function sweepAll(): Promise<void> {
    if (performance.now() < graceEndsMs || (await databaseUpSeconds(deps)) < figures.sweeperGraceSeconds) return;
    await sweepJobs(deps, overdueKinds(figures));
    await wakeBudgetWaits(deps);
    await forgetOldWorkers(deps);
    await asSystem(deps.db, forgetTurns);
  }

  async function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, stopped.promise]);
    clearTimeout(timer);
  }

  const working = work();
  return {
    async stop() {
      isStopped = true;
      stopped.resolve();
      await working;
    },
  };
}

/** A restart between two looks is seen by this only. */
async function databaseUpSeconds({ db }: Deps): Promise<number> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{
      seconds: string;
    }>`select extract(epoch from clock_timestamp() - pg_postmaster_start_time()) as seconds`.execute(tx),
  );
  return Number(rows[0]?.seconds);
}

/** Each process registers anew. */
async function forgetOldWorkers({ db }: Deps): Promise<void> {
  await asSystem(db, (tx) =>
    sql`delete from fc.workers w where w.last_seen_at < now() - interval '7 days'
      and not exists (select from fc.job_queue j where j.worker_id = w.id and j.status = 'processing')`.execute(tx),
  );
}
