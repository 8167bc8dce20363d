import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { decideEnding } from "../core/decide-ending.ts";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { advanceLocked } from "./advance-run.ts";
import { applyEnding, lockAttempt } from "./end-attempt.ts";
import { endJob } from "./end-job.ts";
import { type DueKind, findDue } from "./find-due.ts";

type Deps = { db: Db; config: Pick<Config, "figures">; log: Log };

/**
 * Ends or gives back the jobs that stand too long, each in a transaction of its own: one that breaks does not stop
 * the others. One replica sweeps at a time; two at once would do no harm, since each job is looked at again under
 * its lock.
 * @returns how many were moved.
 */
export async function sweepJobs(deps: Deps, kinds: DueKind[]): Promise<number> {
  // As the system: deadlines hold for all tenants.
  const due = await asSystem(deps.db, async (tx) => {
    if (!(await isLeader(tx))) return [];
    const found: { id: string; kind: DueKind }[] = [];
    for (const kind of kinds) found.push(...(await findDue(tx, kind)).map((id) => ({ id, kind })));
    return found;
  });
  let moved = 0;
  for (const { id, kind } of due) {
    try {
      if (await endDue(deps, id, kind)) moved += 1;
    } catch (error) {
      deps.log.error("sweeper.job_broke", { jobId: id, verb: kind.ending.verb, error });
    }
  }
  return moved;
}

/** For this transaction only: a session's lock would outlive a pooler's connection. */
export async function isLeader(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{
    is_leader: boolean;
  }>`select pg_try_advisory_xact_lock(7316402917) as is_leader`.execute(tx);
  return rows[0]?.is_leader ?? false;
}

async function endDue({ db, config }: Deps, jobId: string, { which, ending }: DueKind): Promise<boolean> {
  return asSystem(db, async (tx) => {
    const job = await lockAttempt(tx, sql`j.id = ${jobId} and ${which}`);
    if (!job) return false;
    if (job.token) {
      await applyEnding(tx, config, job, ending);
      return true;
    }
    const { event, reason, reasonText } = decideEnding(ending, job, {
      figures: config.figures,
      jitter: 0,
    });
    await endJob(tx, job.runId);
    await advanceLocked(tx, job, {
      event,
      actor: systemActor,
      attempt: job.attempt,
      reason,
      reasonText,
    });
    return true;
  });
}
