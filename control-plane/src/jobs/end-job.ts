import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/**
 * Ends a job that no worker holds: rejected, expired or cancelled while it waited. Before the run's event is recorded.
 * @returns false when a worker holds it (ask for a cancel instead) or it is over already.
 */
export async function endJob(tx: Tx, runId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update fc.job_queue set status = 'failed', completed_at = now() where run_id = ${runId} and status = 'pending'`.execute(
    tx,
  );
  return (numAffectedRows ?? 0n) > 0n;
}
