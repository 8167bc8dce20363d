import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { advanceRun } from "../jobs/advance-run.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { requestCancel } from "../jobs/request-cancel.ts";
import type { Tx } from "../platform/database.ts";
import type { IssuesPayload } from "./payload.ts";

type Change = { projectId: string; payload: IssuesPayload; actor: Actor };
type Ending = Change & { reason: "issue_closed" | "issue_deleted" | "issue_transferred" };

/**
 * The issue's text changed after the gate froze it: the run keeps its snapshot and says so.
 * @returns what was done, in words, or null when no run of the issue is open.
 */
export async function noteEdit(tx: Tx, change: Change): Promise<string | null> {
  const run = await openRunOf(tx, change);
  if (!run || run.isStale) return null;
  const job = await lockJob(tx, run.id);
  if (!job || !(await isStillOpen(tx, run.id))) return null;
  await advanceRun(tx, run.id, {
    event: "issue_edited",
    actor: change.actor,
    attempt: job.attempt,
    detail: "The issue was edited. This run keeps the text as it was; a retry takes the new one.",
  });
  return "the run keeps its snapshot";
}

/**
 * The issue was closed, deleted or moved away: what waits ends, what is worked on is asked to stop. A run whose pull
 * request is open goes its own way.
 */
export async function noteIssueEnd(tx: Tx, deps: { newId: () => string }, change: Ending): Promise<string | null> {
  const run = await openRunOf(tx, change);
  const isLate = change.reason === "issue_closed" && run?.isStale;
  const ended =
    run && !isLate
      ? await requestCancel(tx, run.id, {
          actor: change.actor,
          reason: change.reason,
          then: "cancelled",
        })
      : "inactive";
  // After the run: whoever makes a run locks the project before the issue.
  await storeIssueEnd(tx, deps, change);
  if (ended === "inactive") return null;
  return ended === "ended" ? "the run was cancelled" : "the run is being cancelled";
}

async function openRunOf(tx: Tx, { projectId, payload: { issue } }: Change) {
  const { rows } = await sql<{ id: string; isStale: boolean }>`
    select r.id, coalesce(s.issue_updated_at > ${issue.updated_at}::timestamptz, false) as "isStale"
    from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id left join fc.issue_snapshots s on s.id = j.snapshot_id
    where r.project_id = ${projectId} and r.github_issue_number = ${issue.number} and r.result is null
    order by r.started_at desc limit 1`.execute(tx);
  return rows[0];
}

async function isStillOpen(tx: Tx, runId: string): Promise<boolean> {
  const { rows } = await sql`select from fc.pipeline_runs where id = ${runId} and result is null`.execute(tx);
  return rows.length > 0;
}

/** Kept for issues that we never saw too: an event that comes late must not start a run of a closed issue. */
async function storeIssueEnd(
  tx: Tx,
  { newId }: { newId: () => string },
  { projectId, payload: { issue }, reason }: Ending,
): Promise<void> {
  const state = reason === "issue_closed" ? "closed" : "deleted";
  await sql`
    insert into fc.issues as i (id, project_id, number, title, author, url, state, github_updated_at)
    values (${newId()}, ${projectId}, ${issue.number}, ${issue.title}, ${issue.user?.login ?? ""}, ${issue.html_url}, ${state}, ${issue.updated_at})
    on conflict (project_id, number) do update set state = excluded.state, github_updated_at = excluded.github_updated_at
      where i.github_updated_at <= excluded.github_updated_at or excluded.state = 'deleted'`.execute(tx);
}
