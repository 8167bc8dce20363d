import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import type { Config } from "../config.ts";
import { plainQuestion } from "../core/question-text.ts";
import { decideEnding, type Decision, type Ending, type EndingJob } from "../core/decide-ending.ts";
import { maxExtraAttempts } from "../core/lease.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { type LockedRun, lockedRun } from "../runs/lock-run.ts";
import { type Happening, moveOf } from "../runs/record-event.ts";
import { advanceLocked } from "./advance-run.ts";
import { type Fence, isHeldBy, leaseLost } from "./lease-fence.ts";

type Deps = { db: Db; config: Pick<Config, "figures"> };
/** The job's row and its run's, both locked. */
export type AttemptRow = EndingJob & LockedRun & { id: string; token: string; keyId: string | null };

/**
 * Ends the attempt of a worker as it says: completed, failed, parked or given back. The same call again gives the
 * same answer, whatever happened to the job since.
 * @throws Problem lease_lost, already_final (another ending came first), invalid_transition, not_permitted:
 * nothing was changed.
 */
export async function endAttempt({ db, config }: Deps, lease: HeldLease, ending: Ending): Promise<{ stage: Stage }> {
  return asWorker(db, lease, async (tx) => {
    const row = await lockAttempt(tx, isHeldBy(lease));
    return row ? applyEnding(tx, config, row, ending) : sameAnswerOrLost(tx, lease, ending);
  });
}

/** Locks the attempt that `which` names (aliases `j`, `r`, `p`) and then its run, and reads what an ending depends on. */
export async function lockAttempt(tx: Tx, which: RawBuilder<boolean>): Promise<AttemptRow | null> {
  const { rows } = await sql<AttemptRow>`
    select ${lockedRun}, j.id, j.lease_token as token, j.attempt, j.max_attempts as "maxAttempts",
      (select w.key_id from fc.workers w where w.id = j.worker_id) as "keyId",
      j.resume_at as "resumeAt", j.cancel, j.permit_id is not null as "isPermitted", r.question is not null as "hasQuestion",
      (select count(*) = 2 from fc.artifacts a where a.run_id = r.id and a.name in ('tree.pack', 'tree.json')) as "hasTree",
      j.permit_id is not null or r.approved_tree_id is not null as "isDecided"
    from fc.job_queue j join fc.pipeline_runs r on r.id = j.run_id join fc.projects p on p.id = j.project_id
    where ${which} for update of j, r`.execute(tx);
  return rows[0] ?? null;
}

/** Job, run, project: in this order. Whoever waits for room in the project is woken. */
export async function applyEnding(
  tx: Tx,
  { figures }: Pick<Config, "figures">,
  job: AttemptRow,
  ending: Ending,
): Promise<{ stage: Stage }> {
  const decision = decideEnding(ending, job, { figures, jitter: Math.random() });
  await noteOutcome(tx, job.runId, ending);
  const happening: Happening = {
    event: decision.event,
    actor: decision.actor ?? { kind: "worker", id: job.keyId },
    attempt: job.attempt,
    waitingFor: decision.waitingFor,
    reason: decision.reason,
    reasonText: decision.reasonText,
    detail: decision.reasonText?.slice(0, 500) ?? decision.reason,
  };
  const { stage } = moveOf(job, happening);
  await advanceLocked(tx, job, happening, {
    queries: sql`, put_down as (${putDown(job, { decision, ending: { ...ending, stage } })})`,
    signals: sql`pg_notify('fc_jobs', numbered.workspace_id::text), pg_notify('fc_leases', ${job.id})`,
    runningJobs: -1,
  });
  return { stage };
}

function putDown(
  job: AttemptRow,
  { decision, ending }: { decision: Decision; ending: Ending & { stage: Stage } },
): RawBuilder<unknown> {
  const { status, delaySeconds, resumeAt, isFree } = decision;
  const isOver = status !== "pending";
  // What the sweeper ends is lost for its worker, whatever it says then.
  const isWorkers = ending.verb !== "lose_lease" && ending.verb !== "overdue";
  const isParked = delaySeconds === null;
  return sql`
    update fc.job_queue j set status = ${status}, resume_at = ${resumeAt},
      run_at = case when ${isOver} then run_at when ${isParked} then 'infinity' else now() + make_interval(secs => ${delaySeconds ?? 0}) end,
      completed_at = case when ${isOver} then now() end, worker_id = case when ${isOver} then worker_id end,
      max_attempts = max_attempts + case when ${isFree} and extra_attempts < ${maxExtraAttempts} then 1 else 0 end,
      extra_attempts = extra_attempts + case when ${isFree} and extra_attempts < ${maxExtraAttempts} then 1 else 0 end,
      ending = ${JSON.stringify(ending)}::jsonb, ended_lease = ${isWorkers ? fingerprintOf(job) : null},
      lease_token = null, lease_expires_at = null, locked_at = null, cancel_requested_at = null
    where ${isHeldBy({ jobId: job.id, attempt: job.attempt, token: job.token })}`;
}

/** What the ending tells about the run beside its stage. */
async function noteOutcome(tx: Tx, runId: string, ending: Ending): Promise<void> {
  if (ending.verb === "complete" && ending.outcome.kind === "published") {
    const { prNumber, prUrl, headSha } = ending.outcome;
    await sql`update fc.pipeline_runs set github_pr_number = ${prNumber}, pr_url = ${prUrl}, head_sha = ${headSha} where id = ${runId}`.execute(
      tx,
    );
  }
  if (ending.verb === "wait" && ending.body.question !== undefined)
    await sql`update fc.pipeline_runs set question = coalesce(question, ${plainQuestion(ending.body.question)}) where id = ${runId}`.execute(
      tx,
    );
}

/** Of a lease that is over: enough to know it again, and nothing in a dump that anyone could send. */
function fingerprintOf({ attempt, token }: Pick<Fence, "attempt" | "token">): string {
  return createHash("sha256").update(`${attempt}.${token}`).digest("hex");
}

async function sameAnswerOrLost(tx: Tx, lease: Fence, ending: Ending): Promise<{ stage: Stage }> {
  const { rows } = await sql<{ is_same: boolean; stage: Stage }>`
    select ending - 'stage' = ${JSON.stringify(ending)}::jsonb as is_same, ending ->> 'stage' as stage
    from fc.job_queue where id = ${lease.jobId} and ended_lease = ${fingerprintOf(lease)}`.execute(tx);
  const row = rows[0];
  if (!row) throw leaseLost();
  if (!row.is_same) throw new Problem("already_final", "This attempt has ended with another answer.");
  return { stage: row.stage };
}
