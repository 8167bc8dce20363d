import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Report } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { reopenedComment } from "../core/question-text.ts";
import { reportAllows } from "../core/report-text.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { queueMessages } from "../endpoints/queue-messages.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { applyActionIn, plainComment } from "../runs/apply-action.ts";
import { isAskingReporter, readReportRow, type ReportRow, toReport } from "./read-report.ts";
import { refuseBlocked } from "./refuse-blocked.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { projectId: string; workspaceId: string; feedbackId: string };

/** A stranger's words start work again: not for ever. */
const mostReopened = 3;

/**
 * Answers the agent's question. The same answer again is as good as once; of two at once the second sees the first.
 * @throws Problem invalid_transition, forbidden
 */
export async function answerReport(deps: Deps, input: Input & { comment: string }): Promise<Report> {
  const { projectId, workspaceId, feedbackId, comment } = input;
  return asProject(deps.db, projectId, async (tx) => {
    const { runId } = await allowedRow(tx, input);
    if (runId === null) throw notNow("Nobody asked anything.");
    await lockJob(tx, runId);
    const row = await readReportRow(tx, feedbackId);
    if (isAskingReporter(row)) {
      const actor: Actor = { kind: "reporter", id: feedbackId };
      const action = "answer" as const;
      await applyActionIn(tx, deps, { projectId, workspaceId, runId, actor, action, request: { action, comment } });
    } else if (row.answer === null || row.answer !== plainComment(comment)) throw notNow("Nobody asked anything.");
    return toReport(await readReportRow(tx, feedbackId));
  });
}

/** The reporter looked, and it is right. Twice is as good as once. @throws Problem invalid_transition, forbidden */
export async function confirmReport({ db }: Deps, input: Input): Promise<Report> {
  const { projectId, feedbackId } = input;
  return asProject(db, projectId, async (tx) => {
    const row = await lockedRow(tx, input);
    if (!reportAllows(row).canConfirm) throw notNow("There is nothing to look at yet.");
    if (row.confirmedAt !== null) return toReport(row);
    await sql`update fc.feedback set confirmed_at = now() where id = ${feedbackId}`.execute(tx);
    await tell(tx, input, { row, type: "feedback.confirmed" });
    return toReport(await readReportRow(tx, feedbackId));
  });
}

/**
 * It is not right yet. The words go onto the issue and to the project's people, and as data into the task of the next
 * run; no code changes by them: a person requests changes of an open one, or has the issue worked on again. What is
 * live opens its issue again. The same words again are as good as once.
 * @throws Problem invalid_transition, conflict (too often), forbidden
 */
export async function reopenReport({ db }: Deps, input: Input & { comment: string }): Promise<Report> {
  const { projectId, feedbackId } = input;
  const words = plainComment(input.comment) ?? "";
  return asProject(db, projectId, async (tx) => {
    const row = await lockedRow(tx, input);
    const { runId, reopenedCount } = row;
    if (row.isSentBack && row.lastWords === words) return toReport(row);
    if (runId === null || !reportAllows(row).canReopen) throw notNow("There is nothing to look at yet.");
    if (reopenedCount >= mostReopened)
      throw new Problem("conflict", `A reporter sends a change back at most ${mostReopened} times.`);
    await sql`
      update fc.feedback set reopened_count = reopened_count + 1, confirmed_at = null, reopened_at = now(),
        reopened_words = array_append(reopened_words, ${words}) where id = ${feedbackId}`.execute(tx);
    await queueEffects(tx, { projectId, runId }, [
      ...(row.stage === "deployed" ? [{ kind: "reopen_issue" } as const] : []),
      { kind: "issue_comment", marker: `reopened ${feedbackId} ${reopenedCount}`, body: reopenedComment(words) },
      { kind: "notice_sent_back", reason: null },
    ]);
    await tell(tx, input, { row, type: "feedback.reopened" });
    return toReport(await readReportRow(tx, feedbackId));
  });
}

/** Of two calls at once the second sees what the first did. */
async function lockedRow(tx: Tx, input: Input): Promise<ReportRow> {
  await sql`select from fc.feedback where id = ${input.feedbackId} for update`.execute(tx);
  return allowedRow(tx, input);
}

async function allowedRow(tx: Tx, { projectId, feedbackId }: Input): Promise<ReportRow> {
  const row = await readReportRow(tx, feedbackId);
  await refuseBlocked(tx, projectId, row.reporterHash);
  return row;
}

async function tell(
  tx: Tx,
  { projectId, feedbackId }: Input,
  { row, type }: { row: ReportRow; type: "feedback.confirmed" | "feedback.reopened" },
): Promise<void> {
  const data = {
    feedbackId: idOf("fb", feedbackId),
    projectId: idOf("prj", projectId),
    runId: row.runId && idOf("run", row.runId),
  };
  await queueMessages(tx, { projectId, runId: row.runId }, { type, data });
}

function notNow(detail: string): Problem {
  return new Problem("invalid_transition", detail, { next: "Look at the report again later." });
}
