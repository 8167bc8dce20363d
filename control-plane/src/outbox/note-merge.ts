import { idOf } from "@feedback-chat/protocol/ids";
import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { advanceRun } from "../jobs/advance-run.ts";
import { lockJob } from "../jobs/lock-job.ts";
import type { Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Due = { projectId: string; runId: string | null; payload: object };

/** A merge for a person is in the audit log with that person's name; one that could not be, on the run's timeline. */
export async function noteMerge(
  tx: Tx,
  { projectId, runId, payload }: Due,
  { isDone, note }: { isDone: boolean; note: string | null },
): Promise<void> {
  const { actor } = payload as { actor: Actor };
  const job = runId === null ? null : await lockJob(tx, runId);
  // Deleted meanwhile, or there was nothing left to merge.
  if (!job || runId === null || (isDone && note !== null)) return;
  if (isDone) {
    const { workspaceId } = job;
    await writeAudit(tx, {
      id: uuidv7(),
      workspaceId,
      projectId,
      actor,
      action: "run.merge",
      target: idOf("run", runId),
    });
    return;
  }
  const { rows } = await sql`select from fc.pipeline_runs where id = ${runId} and stage = 'preview_ready'`.execute(tx);
  if (rows.length > 0)
    await advanceRun(tx, runId, { event: "merge_refused", actor, attempt: job.attempt, detail: note });
}
