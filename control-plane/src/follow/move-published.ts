import { sql } from "kysely";
import { advanceRun } from "../jobs/advance-run.ts";
import { lockJob } from "../jobs/lock-job.ts";
import type { Tx } from "../platform/database.ts";
import type { Happening } from "../runs/record-event.ts";

/**
 * Moves a run whose pull request is open, if it still stands there: webhook, poll and people may all be at it.
 * @returns false when the run has moved on, and nothing was changed.
 */
export async function movePublished(tx: Tx, runId: string, happening: Omit<Happening, "attempt">): Promise<boolean> {
  const job = await lockJob(tx, runId);
  const { rows } = await sql`select from fc.pipeline_runs where id = ${runId} and stage = 'preview_ready'`.execute(tx);
  if (!job || rows.length === 0) return false;
  await advanceRun(tx, runId, { ...happening, attempt: job.attempt });
  return true;
}
