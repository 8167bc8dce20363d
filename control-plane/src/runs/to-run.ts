import { idOf } from "@feedback-chat/protocol/ids";
import type { Run } from "@feedback-chat/protocol/run";
import type { Phase, Result, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";

/** A row of `selectRuns`. Counters are bigint columns: text on their way through the driver. */
export type RunRow = {
  id: string;
  project_id: string;
  job_id: string;
  parent_run_id: string | null;
  github_issue_number: number;
  issue_url: string;
  issue_title: string;
  triggered_by: string;
  stage: Stage;
  phase: Phase | null;
  waiting_for: WaitingFor | null;
  result: Result | null;
  reason: string | null;
  reason_text: string | null;
  github_pr_number: number | null;
  pr_url: string | null;
  preview_url: string | null;
  attempt: number;
  input_tokens: string;
  output_tokens: string;
  cost_micro_usd: string;
  started_at: Date;
  /** Exact to the microsecond, which a Date is not: for cursors. */
  started_at_text: string;
  completed_at: Date | null;
  duration_ms: string;
  branch: string;
  origin: "public" | "maintainer";
  next_seq: string;
};

/** Runs with their issue and job; the caller adds `where` and `order by`, inside its tenant's transaction. */
export const selectRuns = sql`
  select r.*, r.started_at::text as started_at_text, i.url as issue_url, i.title as issue_title, j.attempt,
    (extract(epoch from coalesce(r.completed_at, now()) - r.started_at) * 1000)::bigint as duration_ms
  from fc.pipeline_runs r join fc.issues i on i.id = r.issue_id join fc.job_queue j on j.id = r.job_id`;

export function toRun(row: RunRow): Run {
  return {
    id: idOf("run", row.id),
    projectId: idOf("prj", row.project_id),
    jobId: idOf("job", row.job_id),
    parentRunId: row.parent_run_id === null ? null : idOf("run", row.parent_run_id),
    issueNumber: row.github_issue_number,
    issueUrl: row.issue_url,
    triggeredBy: row.triggered_by,
    stage: row.stage,
    phase: row.phase,
    waitingFor: row.waiting_for,
    result: row.result,
    reason: row.reason,
    reasonText: row.reason_text,
    prNumber: row.github_pr_number,
    prUrl: row.pr_url,
    previewUrl: row.preview_url,
    attempt: row.attempt,
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costMicroUsd: Number(row.cost_micro_usd),
    startedAt: row.started_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
    durationMs: Math.max(0, Number(row.duration_ms)),
  };
}
