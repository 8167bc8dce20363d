import { sql } from "kysely";
import { effectsOf } from "../core/run-effects.ts";
import { messageQueries, movedMessage } from "../endpoints/queue-messages.ts";
import { effectQueries } from "../outbox/queue-effects.ts";
import type { Tx } from "../platform/database.ts";
import { tellQuestion } from "../reports/tell-question.ts";
import { noticeQueries } from "../reports/tell-reporters.ts";
import { type LockedRun, lockRun } from "../runs/lock-run.ts";
import { type Beside, type Happening, moveOf, type Moved, nothingBeside, recordEvent } from "../runs/record-event.ts";

/** `recordEvent`, with what the move does outside queued in the same transaction. The job's row is locked by now. */
export async function advanceRun(tx: Tx, runId: string, happening: Happening): Promise<Moved> {
  return advanceLocked(tx, await lockRun(tx, runId), happening);
}

/**
 * The same for a run that is locked already, in one statement with all that is queued. Only what a question asks for
 * takes more.
 */
export async function advanceLocked(
  tx: Tx,
  run: LockedRun,
  happening: Happening,
  beside: Beside = nothingBeside,
): Promise<Moved> {
  const { event, reason = null, reasonText = null, waitingFor = null } = happening;
  const of = { projectId: run.projectId, runId: run.runId };
  const move = moveOf(run, happening);
  const isQuestion = event === "asked" || event === "question_released";
  const noticed = !isQuestion && move.from !== move.stage ? move.stage : null;
  const effects = effectsOf({ ...run, ...move, event, reason, reasonText, waitingFor });
  const moved = await recordEvent(tx, run, happening, {
    queries: sql`${effectQueries(of, effects)} ${messageQueries(of, movedMessage(run.runId, move, { waitingFor, reason }))}
      ${noticeQueries(of, noticed)} ${beside.queries}`,
    signals: sql`case when exists (select from effects) or exists (select from messages) or exists (select from notices)
      then pg_notify('fc_outbox', '') end, ${beside.signals}`,
    runningJobs: beside.runningJobs,
  });
  if (isQuestion) await tellQuestion(tx, of);
  return moved;
}
