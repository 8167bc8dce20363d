import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { advanceRun } from "./advance-run.ts";
import { endJob } from "./end-job.ts";
import { lockJob } from "./lock-job.ts";

export type Cancel = {
  actor: Actor;
  /** The run's `reason`, such as `cancelled`, `issue_closed`, `issue_deleted`, `rejected`. */
  reason: string;
  then: "cancelled" | "declined";
};

/**
 * Stops a run for good. What waits ends now; what is being worked on is asked to stop, and ends when its worker says
 * so, or without it after the cancel's grace (the sweeper). Locks the job: call it first in a transaction.
 * @returns `inactive` when the job was over already: nothing was changed.
 */
export async function requestCancel(
  tx: Tx,
  runId: string,
  cancel: Cancel,
): Promise<"ended" | "requested" | "inactive"> {
  const job = await lockJob(tx, runId);
  if (!job) return "inactive";
  const { actor, reason } = cancel;
  if (job.status === "pending") {
    await endJob(tx, runId);
    await advanceRun(tx, runId, { event: cancel.then, actor, reason, attempt: job.attempt });
    return "ended";
  }
  if (job.status !== "processing") return "inactive";
  // The first one's reason stands; but a no of a person is stronger than a cancel.
  const { numAffectedRows } = await sql`
    update fc.job_queue set cancel_requested_at = coalesce(cancel_requested_at, now()), cancel = ${JSON.stringify(cancel)}::jsonb
    where id = ${job.id} and (cancel is null or (cancel ->> 'then' = 'cancelled' and ${cancel.then} = 'declined'))`.execute(
    tx,
  );
  if (numAffectedRows === 0n) return "requested";
  await advanceRun(tx, runId, {
    event: "cancel_requested",
    actor,
    detail: reason,
    attempt: job.attempt,
  });
  await sql`select pg_notify('fc_leases', ${job.id})`.execute(tx);
  return "requested";
}
