import { sql } from "kysely";
import { effectsOf, isWithdrawn } from "../core/run-effects.ts";
import { movedMessage, queueMessages } from "../endpoints/queue-messages.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import type { Tx } from "../platform/database.ts";
import { tellQuestion } from "../reports/tell-question.ts";
import { queueReporterNotice } from "../reports/tell-reporters.ts";
import { type Happening, recordEvent } from "../runs/record-event.ts";

/** `recordEvent`, with what the move does outside queued in the same transaction. The job's row is locked by now. */
export async function advanceRun(
  tx: Tx,
  runId: string,
  happening: Happening,
): Promise<Awaited<ReturnType<typeof recordEvent>>> {
  const moved = await recordEvent(tx, runId, happening);
  const { event, reason = null, reasonText = null, waitingFor = null } = happening;
  const left = isWithdrawn(event) ? await leftOnGitHub(tx, runId) : nothingLeft;
  const effects = effectsOf({ ...moved, ...left, event, reason, reasonText, waitingFor });
  await queueEffects(tx, { projectId: moved.projectId, runId }, effects);
  const message = movedMessage(runId, moved, { waitingFor, reason });
  if (message) await queueMessages(tx, { projectId: moved.projectId, runId }, message);
  const of = { projectId: moved.projectId, runId };
  if (event === "asked" || event === "question_released") await tellQuestion(tx, of);
  else if (moved.from !== moved.stage) await queueReporterNotice(tx, { ...of, stage: moved.stage, isQuestion: false });
  return moved;
}

const nothingLeft = { branch: "", prNumber: null, wasPermitted: false };

async function leftOnGitHub(tx: Tx, runId: string) {
  const { rows } = await sql<{ branch: string; prNumber: number | null; wasPermitted: boolean }>`
    select branch, github_pr_number as "prNumber", permitted_tree_id is not null as "wasPermitted"
    from fc.pipeline_runs where id = ${runId}`.execute(tx);
  return rows[0] ?? nothingLeft;
}
