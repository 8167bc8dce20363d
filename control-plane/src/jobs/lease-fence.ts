import { Problem } from "@feedback-chat/protocol/problem";
import { type RawBuilder, sql } from "kysely";
import type { HeldLease } from "../platform/caller.ts";
import type { Tx } from "../platform/database.ts";

export type Fence = Pick<HeldLease, "jobId" | "attempt" | "token">;

/** True for the one row that this lease still holds. Expiry alone does not fence, a requeue does. */
export function isHeldBy(lease: Fence): RawBuilder<boolean> {
  // As text: a token that is no uuid matches nothing, it is no error of the database.
  return sql`(j.id = ${lease.jobId} and j.attempt = ${lease.attempt} and j.lease_token::text = ${lease.token} and j.status = 'processing')`;
}

/** Locks the job if, and only if, the lease still holds it. @throws Problem lease_lost */
export async function holdJob(
  tx: Tx,
  lease: Fence,
): Promise<{ isCancelled: boolean; permitId: string | null; workerId: string | null }> {
  const { rows } = await sql<{
    isCancelled: boolean;
    permitId: string | null;
    workerId: string | null;
  }>`
    select j.cancel_requested_at is not null as "isCancelled", j.permit_id as "permitId", j.worker_id as "workerId"
    from fc.job_queue j where ${isHeldBy(lease)} for update`.execute(tx);
  if (!rows[0]) throw leaseLost();
  return rows[0];
}

export function leaseLost(): Problem {
  return new Problem("lease_lost", "This lease does not hold the job any more: nothing was changed.");
}
