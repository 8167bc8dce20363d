import { randomUUID } from "node:crypto";
import { uuidOf } from "@feedback-chat/protocol/ids";
import type pg from "pg";
import { claimJob } from "../../control-plane/src/jobs/claim-job.ts";
import { endAttempt } from "../../control-plane/src/jobs/end-attempt.ts";
import { pickJob } from "../../control-plane/src/jobs/pick-job.ts";
import type { Tx } from "../../control-plane/src/platform/database.ts";
import type { Queue } from "./open-queue.ts";
import { giveUp, queueClient } from "./queue-client.ts";

/** What the routes call, in this process. */
export function byVerbs({ deps, workspaceId, keyId, workerIds }: Queue) {
  const signal = new AbortController().signal;
  return async (worker: number) => {
    const workerId = uuidOf("wrk", workerIds[worker] ?? "");
    const claim = { workspaceId, keyId, workerId, claimId: randomUUID(), waitSeconds: 10 };
    const { lease } = await claimJob(deps, claim, signal);
    if (!lease) throw new Error("Nothing was claimed.");
    const held = {
      jobId: uuidOf("job", lease.jobId),
      runId: uuidOf("run", lease.runId),
      projectId: uuidOf("prj", lease.job.projectId),
      attempt: lease.attempt,
      token: lease.token,
    };
    await endAttempt(deps, held, { verb: "fail", body: giveUp });
  };
}

export function overHttp(queue: Queue, url: string) {
  const clients = queue.workerIds.map((workerId) => queueClient(url, queue.key, workerId));
  return async (worker: number) => {
    const client = clients[worker];
    const lease = await client?.claim(10);
    if (!client || !lease) throw new Error("Nothing was claimed.");
    await client.finish(lease);
  };
}

const endStatement = `
  with ended as (
    update fc.job_queue set status = 'failed', completed_at = now(), lease_token = null, lease_expires_at = null, locked_at = null
    where id = $1 and attempt = $2 and lease_token = $3 and status = 'processing' returning project_id
  )
  update fc.projects p set running_jobs = running_jobs - 1 from ended where p.id = ended.project_id`;

/**
 * The claim's own statement and the one that ends a job, fenced: as the tables' owner, so without row level security,
 * and without the run, its events, effects and the answer that a worker gets.
 */
export function bareSql({ deps: { db }, workspaceId, workerIds }: Queue, pool: pg.Pool) {
  return async (worker: number) => {
    const workerId = uuidOf("wrk", workerIds[worker] ?? "");
    for (;;) {
      const pick = { workspaceId, workerId, claimId: randomUUID(), leaseSeconds: 30 };
      // Outside a transaction and without a scope: that is what "bare" means here.
      const { job } = await pickJob(db as unknown as Tx, pick);
      if (!job) continue;
      const { rowCount } = await pool.query(endStatement, [job.jobId, job.attempt, job.token]);
      if (rowCount !== 1) throw new Error("A job was ended twice.");
      return;
    }
  };
}
