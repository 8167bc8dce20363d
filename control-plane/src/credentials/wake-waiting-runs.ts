import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { advanceRun } from "../jobs/advance-run.ts";
import { unparkJob } from "../jobs/unpark-job.ts";
import type { Tx } from "../platform/database.ts";

/**
 * Lets every run of the project that waits for a credential go on, in the transaction that brings one. What the gate
 * has not admitted yet is looked at again by the gate. `reasons`: only those that wait for one of these.
 */
export async function wakeWaitingRuns(
  tx: Tx,
  { projectId, actor, reasons = null }: { projectId: string; actor: Actor; reasons?: readonly string[] | null },
): Promise<void> {
  // All jobs at once: the first one's event locks the project, and no job may be locked after that.
  const { rows } = await sql<{ id: string; attempt: number }>`
    select r.id, j.attempt from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id
    where r.project_id = ${projectId} and r.waiting_for = 'credential' and r.result is null
      and (${reasons}::text[] is null or r.reason = any(${reasons}::text[]))
      and r.phase is distinct from 'gate' and j.status = 'pending' order by j.id for update of j`.execute(tx);
  for (const { id, attempt } of rows) {
    if (!(await unparkJob(tx, id, {}))) continue;
    await advanceRun(tx, id, { event: "unparked", actor, attempt, waitingFor: "worker" });
  }
  await sql`select pg_notify('fc_gate', '')`.execute(tx);
}
