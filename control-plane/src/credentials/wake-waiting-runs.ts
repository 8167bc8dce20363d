import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { advanceRun } from "../jobs/advance-run.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { unparkJob } from "../jobs/unpark-job.ts";
import type { Tx } from "../platform/database.ts";

/**
 * Lets every run of the project that waits for a credential go on, in the transaction that brings one. What the gate
 * has not admitted yet is looked at again by the gate.
 */
export async function wakeWaitingRuns(
  tx: Tx,
  { projectId, actor }: { projectId: string; actor: Actor },
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select id from fc.pipeline_runs where project_id = ${projectId} and waiting_for = 'credential' and result is null
      and phase is distinct from 'gate' order by job_id`.execute(tx);
  // Each with its own lock, event and wake-up; rarely more than one.
  for (const { id } of rows) {
    const job = await lockJob(tx, id);
    if (job?.status !== "pending" || !(await unparkJob(tx, id, {}))) continue;
    await advanceRun(tx, id, {
      event: "unparked",
      actor,
      attempt: job.attempt,
      waitingFor: "worker",
    });
  }
  await sql`select pg_notify('fc_gate', '')`.execute(tx);
}
