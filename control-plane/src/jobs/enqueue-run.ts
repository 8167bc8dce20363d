import { branchTail } from "@feedback-chat/agent/core/branch";
import { systemActor } from "@feedback-chat/protocol/actor";
import { runSettings } from "@feedback-chat/protocol/job";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

export type NewRun = {
  projectId: string;
  issue: {
    number: number;
    title: string;
    body: string;
    labels: string[];
    author: string;
    url: string;
    updatedAt: string;
    hasFeedbackLabel: boolean;
  };
  source: "webhook" | "poll" | "retry";
  triggeredBy: string;
  parentRunId?: string;
  /** Who put the trigger label there, if it is known. */
  askedBy?: string | undefined;
  /** GitHub's id of that account. */
  askedById?: number | undefined;
  /** Lower-case letters and digits: makes the run's one branch unique. */
  branchSuffix: string;
};

type Deps = { newId: () => string };

/**
 * Stores the issue, freezes its snapshot and makes a parked job with its run, in the caller's transaction and in one
 * statement: the webhook's time is counted. The job waits for the gate's second step (`waitingFor: github`), which
 * unparks it.
 * @returns null when the issue has an active job already: only the issue's row was brought up to date. Null too when
 * the project was deleted meanwhile.
 */
export async function enqueueRun(
  tx: Tx,
  { newId }: Deps,
  { projectId, issue, source, triggeredBy, parentRunId, askedBy, askedById, branchSuffix }: NewRun,
): Promise<{ jobId: string; runId: string } | null> {
  const [issueId, jobId, runId, snapshotId] = [newId(), newId(), newId(), newId()];
  const tail = branchTail(issue.number, branchSuffix);
  const { branchPrefix } = runSettings.parse({});
  const { rows } = await sql<{ id: string }>`
    with project as (
      -- First of all locks, so that of two events of one issue the second sees the first one's job.
      select id, priority, coalesce(settings ->> 'branchPrefix', ${branchPrefix}) as prefix from fc.projects where id = ${projectId} and deleted_at is null for no key update
    ), issue as (
      insert into fc.issues as i (id, project_id, number, title, author, url, state, ever_had_feedback_label, github_updated_at)
      select ${issueId}, id, ${issue.number}, ${issue.title}, ${issue.author}, ${issue.url}, 'open', ${issue.hasFeedbackLabel}, ${issue.updatedAt}
      from project
      on conflict (project_id, number) do update set
        title = excluded.title, author = excluded.author, url = excluded.url, state = 'open',
        ever_had_feedback_label = i.ever_had_feedback_label or excluded.ever_had_feedback_label,
        github_updated_at = greatest(i.github_updated_at, excluded.github_updated_at)
      returning id, project_id
    ), job as (
      insert into fc.job_queue (id, project_id, run_id, github_issue_number, issue_body, snapshot_id, run_at, resume_at, priority)
      select ${jobId}, issue.project_id, ${runId}, ${issue.number}, ${issue.body}, ${snapshotId}, 'infinity', 'snapshot', project.priority
      from issue, project
      on conflict (project_id, github_issue_number) where status in ('pending', 'processing') do nothing
      returning id, project_id
    ), snapshot as (
      insert into fc.issue_snapshots (id, project_id, issue_id, title, body, labels, author, source, issue_updated_at, asked_by, asked_by_github_id)
      select ${snapshotId}, job.project_id, issue.id, ${issue.title}, ${issue.body}, ${issue.labels}::text[], ${issue.author}, ${source},
        ${issue.updatedAt}::timestamptz, ${askedBy ?? null}, ${askedById ?? null}
      from job, issue
    ), run as (
      insert into fc.pipeline_runs (id, job_id, project_id, parent_run_id, issue_id, github_issue_number, branch, triggered_by,
        stage, phase, waiting_for, next_seq)
      select ${runId}, job.id, job.project_id, ${parentRunId ?? null}::uuid, issue.id, ${issue.number}, project.prefix || ${tail}, ${triggeredBy},
        'queued', 'gate', 'github', 2
      from job, issue, project
      returning id, project_id
    ), numbered as (
      update fc.projects p set next_seq = next_seq + 1 from run where p.id = run.project_id returning p.next_seq - 1 as seq, p.workspace_id
    ), admitted as (
      -- The row is born queued; its first event says where from, as the machine has it.
      insert into fc.run_events (run_id, seq, project_id, project_seq, from_stage, event, to_stage, phase, waiting_for, attempt, actor)
      select run.id, 1, run.project_id, numbered.seq, 'created', 'admitted', 'queued', 'gate', 'github', 0, ${JSON.stringify(systemActor)}::jsonb
      from run, numbered
    ), told as (
      select pg_notify('fc_runs', concat_ws(' ', run.id, run.project_id, numbered.workspace_id)) from run, numbered
    )
    select run.id from run left join told on true`.execute(tx);
  return rows[0] ? { jobId, runId } : null;
}
