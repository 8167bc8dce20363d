import { Problem } from "@feedback-chat/protocol/problem";
import type { Phase } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { freshAttempts as attemptsMore } from "../core/lease.ts";
import type { Tx } from "../platform/database.ts";

type Unparking = {
  /** Left out: where the worker said that it would go on. */
  resumeAt?: Phase;
  /** The run is reopened for changes: three more attempts, and what was approved before counts no longer. */
  freshAttempts?: boolean;
};

/**
 * Lets workers claim the job of this run, now. To be called before the run's event is recorded (order of locks).
 * With `freshAttempts` a job that is done opens again.
 * @returns false when the job is being worked on, or is over.
 * @throws Problem conflict when the issue has another active job by now.
 */
export async function unparkJob(
  tx: Tx,
  runId: string,
  { resumeAt, freshAttempts = false }: Unparking,
): Promise<boolean> {
  const { rows } = await sql<{ is_blocked: boolean; is_open: boolean }>`
    with mine as (
      select id, project_id, github_issue_number from fc.job_queue where run_id = ${runId}
        and (status = 'pending' or (${freshAttempts} and status = 'done')) for update
    ), blocker as (
      select from mine join fc.job_queue other on other.project_id = mine.project_id
        and other.github_issue_number = mine.github_issue_number and other.id <> mine.id
        and other.status in ('pending', 'processing')
    ), opened as (
      update fc.job_queue j set status = 'pending', run_at = now(), completed_at = null,
        resume_at = coalesce(${resumeAt ?? null}, j.resume_at),
        max_attempts = case when ${freshAttempts} then j.attempt + ${attemptsMore}::int else j.max_attempts end,
        extra_attempts = case when ${freshAttempts} then 0 else j.extra_attempts end
      from mine where j.id = mine.id and not exists (select from blocker)
      returning j.project_id
    ), told as (
      select pg_notify('fc_jobs', p.workspace_id::text) from opened join fc.projects p on p.id = opened.project_id
    )
    select exists (select from blocker) as is_blocked, (select count(*) from told) > 0 as is_open`.execute(tx);
  if (rows[0]?.is_blocked) throw new Problem("conflict", "Another run of this issue is active: end that one first.");
  if (freshAttempts && rows[0]?.is_open)
    await sql`update fc.pipeline_runs set permit_request = null, approved_tree_id = null, approved_by = null where id = ${runId}`.execute(
      tx,
    );
  return rows[0]?.is_open ?? false;
}
