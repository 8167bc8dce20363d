import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Report } from "@feedback-chat/protocol/report";
import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { reportAllows, reportSays } from "../core/report-text.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";

export type ReportRow = {
  id: string;
  text: string;
  createdAt: Date;
  confirmedAt: Date | null;
  reopenedCount: number;
  reporterHash: Buffer | null;
  runId: string | null;
  stage: Stage | null;
  waitingFor: WaitingFor | null;
  previewUrl: string | null;
  question: string | null;
  /** Its reporter may see it. */
  isQuestionOut: boolean;
  answer: string | null;
  /** Since the run stands where it does, its reporter said that it is not right. */
  isSentBack: boolean;
  lastWords: string | null;
};
type Of = { projectId: string; feedbackId: string };

/** The report with its issue's newest run, in the caller's transaction. @throws Problem not_found */
export async function readReportRow(tx: Tx, feedbackId: string): Promise<ReportRow> {
  const { rows } = await sql<ReportRow>`
    select f.id, f.public_text as text, f.created_at as "createdAt", f.confirmed_at as "confirmedAt",
      f.reopened_count as "reopenedCount", f.reporter_hash as "reporterHash", r.id as "runId", r.stage,
      r.waiting_for as "waitingFor", r.preview_url as "previewUrl", r.question, not p.is_private or r.question_released_at is not null as "isQuestionOut", r.answer,
      coalesce(f.reopened_at >= r.standing_since, false) as "isSentBack", f.reopened_words[cardinality(f.reopened_words)] as "lastWords"
    from fc.feedback f join fc.projects p on p.id = f.project_id
      left join lateral (select * from fc.pipeline_runs r where r.issue_id = f.issue_id
        order by r.started_at desc, r.id desc limit 1) r on true
    where f.id = ${feedbackId}`.execute(tx);
  const [row] = rows;
  if (!row) throw new Problem("not_found", "There is no such report.");
  return row;
}

/** What its reporter may see of it. */
export async function readReport({ db }: { db: Db }, { projectId, feedbackId }: Of): Promise<Report> {
  return toReport(await asProject(db, projectId, (tx) => readReportRow(tx, feedbackId)));
}

/** A question about a private repository may hold its code: people let it out first. */
export function isAskingReporter({ stage, waitingFor, isQuestionOut }: ReportRow): boolean {
  return stage === "queued" && waitingFor === "reporter" && isQuestionOut;
}

export function toReport(row: ReportRow): Report {
  const { id, text, stage, createdAt, confirmedAt } = row;
  return {
    feedbackId: idOf("fb", id),
    text,
    createdAt: createdAt.toISOString(),
    stage,
    says: reportSays(isAskingReporter(row) ? row : { ...row, waitingFor: null }, row.isSentBack),
    previewUrl: row.previewUrl,
    question: isAskingReporter(row) ? row.question : null,
    ...reportAllows(row),
    confirmedAt: confirmedAt?.toISOString() ?? null,
  };
}
