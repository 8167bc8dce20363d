import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Report } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { reportAllows } from "../core/report-text.ts";
import { queueMessages } from "../endpoints/queue-messages.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { applyAction } from "../runs/apply-action.ts";
import { isAskingReporter, readReport, readReportRow, type ReportRow } from "./read-report.ts";
import { refuseBlocked } from "./refuse-blocked.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "newId" | "now">;
type Input = { projectId: string; workspaceId: string; feedbackId: string };

/** A stranger's words start work again: not for ever. */
const mostReopened = 3;

/** Answers the agent's question. @throws Problem invalid_transition, forbidden */
export async function answerReport(deps: Deps, input: Input & { comment: string }): Promise<Report> {
  const row = await asProject(deps.db, input.projectId, (tx) => allowedRow(tx, input));
  if (row.runId === null || !isAskingReporter(row)) throw notNow("Nobody asked anything.");
  await act(deps, input, { runId: row.runId, action: "answer", comment: input.comment });
  return readReport(deps, input);
}

/** The reporter looked, and it is right. Twice is as good as once. @throws Problem invalid_transition, forbidden */
export async function confirmReport(deps: Deps, input: Input): Promise<Report> {
  const { projectId, feedbackId } = input;
  await asProject(deps.db, projectId, async (tx) => {
    const row = await allowedRow(tx, input);
    if (!reportAllows(row).canConfirm) throw notNow("There is nothing to look at yet.");
    const { rows } = await sql`
      update fc.feedback set confirmed_at = now() where id = ${feedbackId} and confirmed_at is null returning id`.execute(
      tx,
    );
    if (rows.length > 0) await tell(tx, input, { row, type: "feedback.confirmed" });
  });
  return readReport(deps, input);
}

/**
 * It is not right yet: an open change is worked on again with these words; what is live opens its issue again.
 * @throws Problem invalid_transition, conflict (too often), forbidden
 */
export async function reopenReport(deps: Deps, input: Input & { comment: string }): Promise<Report> {
  const { projectId, feedbackId, comment } = input;
  const row = await asProject(deps.db, projectId, (tx) => allowedRow(tx, input));
  if (row.runId === null || !reportAllows(row).canReopen) throw notNow("There is nothing to look at yet.");
  if (row.reopenedCount >= mostReopened)
    throw new Problem("conflict", `A reporter sends a change back at most ${mostReopened} times.`);
  if (row.stage === "preview_ready") await act(deps, input, { runId: row.runId, action: "request_changes", comment });
  await asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql`
      update fc.feedback set reopened_count = reopened_count + 1, confirmed_at = null
      where id = ${feedbackId} and reopened_count = ${row.reopenedCount} returning id`.execute(tx);
    if (rows.length === 0) throw new Problem("conflict", "It was sent back a moment ago.");
    if (row.stage === "deployed")
      await queueEffects(tx, { projectId, runId: row.runId }, [
        { kind: "reopen_issue" },
        { kind: "issue_comment", marker: `reopened ${feedbackId} ${row.reopenedCount}`, body: quoted(comment) },
      ]);
    await tell(tx, input, { row, type: "feedback.reopened" });
  });
  return readReport(deps, input);
}

async function allowedRow(tx: Tx, { projectId, feedbackId }: Input): Promise<ReportRow> {
  const row = await readReportRow(tx, feedbackId);
  await refuseBlocked(tx, projectId, row.reporterHash);
  return row;
}

async function act(
  deps: Deps,
  { projectId, workspaceId, feedbackId }: Input,
  { runId, action, comment }: { runId: string; action: "answer" | "request_changes"; comment: string },
): Promise<void> {
  const actor: Actor = { kind: "reporter", id: feedbackId };
  await applyAction(deps, { projectId, workspaceId, runId, actor, request: { action, comment } });
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

/** A stranger's words on a public page: quoted, and calling nobody. */
function quoted(words: string): string {
  const lines = words
    .replaceAll("\0", "")
    .toWellFormed()
    .replaceAll("@", "@\u200b")
    .replaceAll("<", "&lt;")
    .split(/\r?\n/);
  return `The reporter says that it is not right yet:\n\n${lines.map((line) => `> ${line}`).join("\n")}`;
}

function notNow(detail: string): Problem {
  return new Problem("invalid_transition", detail, { next: "Look at the report again later." });
}
