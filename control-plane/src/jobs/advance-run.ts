import { sql } from "kysely";
import { effectsOf } from "../core/run-effects.ts";
import { queueEffect } from "../outbox/queue-effect.ts";
import type { Tx } from "../platform/database.ts";
import { type Happening, recordEvent } from "../runs/record-event.ts";

/** `recordEvent`, with what the move does outside queued in the same transaction. The job's row is locked by now. */
export async function advanceRun(
  tx: Tx,
  runId: string,
  happening: Happening,
): Promise<Awaited<ReturnType<typeof recordEvent>>> {
  const moved = await recordEvent(tx, runId, happening);
  const isQuiet =
    moved.from === moved.stage && !["held", "parked", "asked"].includes(happening.event);
  if (isQuiet) return moved;
  const { rows } = await sql<{
    project_id: string;
    branch: string;
    github_pr_number: number | null;
    was_permitted: boolean;
  }>`
    select r.project_id, r.branch, r.github_pr_number, j.permit_id is not null as was_permitted
    from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id where r.id = ${runId}`.execute(
    tx,
  );
  const run = rows[0];
  if (!run) throw new Error(`Run ${runId} vanished inside its own transaction.`);
  const effects = effectsOf({
    ...moved,
    event: happening.event,
    reason: happening.reason ?? null,
    branch: run.branch,
    prNumber: run.github_pr_number,
    wasPermitted: run.was_permitted,
  });
  for (const effect of effects) await queueEffect(tx, { projectId: run.project_id, runId }, effect);
  return moved;
}
