import { sql } from "kysely";
import { questionComment } from "../core/question-text.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import type { Tx } from "../platform/database.ts";
import { queueReporterNotice } from "./tell-reporters.ts";

/**
 * Puts a run's question onto its issue and tells its reporters, in the transaction that asks or releases it. Of a
 * private repository it may hold code: there it stays with the project's people until one of them lets it out.
 */
export async function tellQuestion(tx: Tx, of: { projectId: string; runId: string }): Promise<void> {
  const { rows } = await sql<{ question: string }>`
    select r.question from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
    where r.id = ${of.runId} and r.question is not null and (not p.is_private or r.question_released_at is not null)`.execute(
    tx,
  );
  const question = rows[0]?.question;
  if (question === undefined) return;
  await queueEffects(tx, of, [
    { kind: "issue_comment", marker: `question ${of.runId}`, body: questionComment(question) },
  ]);
  await queueReporterNotice(tx, { ...of, stage: "queued", isQuestion: true });
}
