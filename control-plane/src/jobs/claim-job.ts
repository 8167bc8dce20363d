import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Lease } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { claimEvent, isServed } from "../core/lease.ts";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";
import { packageVersion } from "../platform/package-version.ts";
import type { Signals } from "../platform/signals.ts";
import { advanceLocked } from "./advance-run.ts";
import { readLeasedJob } from "./leased-job.ts";
import { type PickedJob, pickJob } from "./pick-job.ts";

type Deps = {
  db: Db;
  signals: Signals;
  config: Pick<Config, "figures" | "githubUrl" | "githubApiUrl">;
};
type Claim = {
  workspaceId: string;
  keyId: string;
  workerId: string;
  claimId: string;
  waitSeconds: number;
};
type Claimed = { lease: Lease | null; drain: boolean };

/** While others hold the rows that a claim wants, it looks again after so long, and for at least so long. */
const [againMs, atLeastMs] = [3, 1_000];

/**
 * Hands out the next job of the worker's workspace, or waits for one. The same `claimId` gets the same lease and no
 * new attempt, also when two of them arrive at once.
 * @throws Problem not_found, unauthenticated (the key died during the wait), upgrade_required
 */
export async function claimJob(deps: Deps, claim: Claim, signal: AbortSignal): Promise<Claimed> {
  const { signals, config } = deps;
  const start = performance.now();
  const endMs = start + claim.waitSeconds * 1_000;
  try {
    for (;;) {
      // Before the look, so that a job which arrives meanwhile wakes us.
      const woken = signals.nextInLine("jobs", claim.workspaceId, claim.workerId);
      try {
        // Nobody is there any more to work on what would be taken.
        if (signal.aborted) return { lease: null, drain: false };
        const { isAnswer, hasWork, ...claimed } = await look(deps, claim);
        const now = performance.now();
        const untilMs = hasWork ? Math.max(endMs, start + atLeastMs) : endMs;
        if (isAnswer || now >= untilMs) return claimed;
        // Jobs whose backoff ends are announced by nobody: hence a look of one's own now and then.
        const pauseMs = hasWork ? againMs * (1 + Math.random()) : config.figures.sweepEverySeconds * 500;
        await woken.wait(Math.min(untilMs - now, pauseMs), signal);
      } finally {
        woken.cancel();
      }
    }
  } finally {
    // The word that woke us, or came while we looked, may be about more than what we took. Who then sees nothing stays.
    signals.passOn("jobs", claim.workspaceId);
  }
}

async function look(deps: Deps, claim: Claim): Promise<Claimed & { hasWork: boolean; isAnswer: boolean }> {
  try {
    // As the system, bound to the key's workspace in each statement: the instance's pause belongs to no tenant.
    return await asSystem(deps.db, async (tx) => {
      const worker = await greet(tx, claim);
      if (worker.earlierJobId !== null) {
        const lease = await findRepeated(tx, deps, worker.earlierJobId);
        return { lease, drain: worker.isDraining, hasWork: false, isAnswer: true };
      }
      if (worker.isDraining) return { lease: null, drain: true, hasWork: false, isAnswer: true };
      const { job, hasWork } = await pickJob(tx, {
        ...claim,
        leaseSeconds: deps.config.figures.leaseSeconds,
      });
      if (!job) return { lease: null, drain: false, hasWork, isAnswer: false };
      await advanceLocked(tx, job, {
        event: claimEvent(job.stage, job.resumeAt),
        actor: { kind: "worker", id: claim.keyId, login: worker.name },
        attempt: job.attempt,
        waitingFor: null,
        reason: null,
        reasonText: null,
      });
      return { lease: await leaseOf(tx, deps, job), drain: false, hasWork: false, isAnswer: true };
    });
  } catch (error) {
    // Its twin has just taken a job: the next look finds that one.
    if (error instanceof Error && "constraint" in error && error.constraint === "job_queue_claim")
      return { lease: null, drain: false, hasWork: true, isAnswer: false };
    throw error;
  }
}

type Greeted = { isDraining: boolean; name: string; version: string; hasKey: boolean; earlierJobId: string | null };

/** `earlierJobId`: what this very claim was given before. A job that is over no longer names its worker. */
async function greet(tx: Tx, { workerId, workspaceId, keyId, claimId }: Claim): Promise<Greeted> {
  const { rows } = await sql<Greeted>`
    update fc.workers set last_seen_at = now() where id = ${workerId} and workspace_id = ${workspaceId}
    returning is_draining as "isDraining", name, version,
      (select j.id from fc.job_queue j where j.claim_id = ${claimId} and j.workspace_id = ${workspaceId}
        and coalesce(j.worker_id, ${workerId}) = ${workerId} order by (j.status = 'processing') desc limit 1) as "earlierJobId",
      exists (select from fc.api_keys k where k.id = ${keyId} and k.revoked_at is null and coalesce(k.expires_at > now(), true)) as "hasKey"`.execute(
    tx,
  );
  const worker = rows[0];
  if (!worker) throw new Problem("not_found", "This worker is not registered here.");
  // A claim waits for up to 50 s, and its key may die meanwhile: it takes no job then.
  if (!worker.hasKey) throw new Problem("unauthenticated", "This key was revoked, or has expired.");
  refuseOldVersion(worker.version);
  return worker;
}

/** Null when it is not held any more. */
async function findRepeated(tx: Tx, deps: Deps, jobId: string): Promise<Lease | null> {
  const { rows } = await sql<Leased>`
    select j.id as "jobId", j.run_id as "runId", j.attempt, j.lease_token as token, j.lease_expires_at as "expiresAt"
    from fc.job_queue j where j.id = ${jobId} and j.status = 'processing'`.execute(tx);
  return rows[0] ? leaseOf(tx, deps, rows[0]) : null;
}

/** @throws Problem upgrade_required */
export function refuseOldVersion(version: string): void {
  if (isServed(version, packageVersion)) return;
  throw new Problem("upgrade_required", `A worker of version ${version} is not served by ${packageVersion}.`, {
    facts: { serverVersion: packageVersion },
  });
}

type Leased = Pick<PickedJob, "jobId" | "runId" | "attempt" | "token" | "expiresAt">;

async function leaseOf(tx: Tx, deps: Deps, job: Leased): Promise<Lease> {
  return {
    jobId: idOf("job", job.jobId),
    runId: idOf("run", job.runId),
    attempt: job.attempt,
    token: job.token,
    expiresAt: job.expiresAt.toISOString(),
    job: await readLeasedJob(tx, deps, job.jobId),
  };
}
