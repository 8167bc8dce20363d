import { randomBytes } from "node:crypto";
import { botLabel } from "@feedback-chat/agent/core/labels";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { ActionAnswer } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { hasLabel } from "../core/issue-event.ts";
import { type IssueNow, readIssue } from "../github/read-issue.ts";
import { advanceRun } from "../jobs/advance-run.ts";
import { enqueueRun } from "../jobs/enqueue-run.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { checkAllowed } from "./check-allowed.ts";
import { readRun } from "./read-run.ts";
import { type ActionOf, recordAction } from "./record-action.ts";
import type { RunRow } from "./to-run.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "newId" | "now">;

/**
 * A new run of the issue, with its text as it is now. The old run stays as it was, and its pull request is closed
 * with a link to the new run. Of two retries at once one gets `conflict`.
 */
export async function retryRun(deps: Deps, input: ActionOf & { comment: string | null }): Promise<ActionAnswer> {
  const { projectId, runId, actor, request } = input;
  const number = await asProject(deps.db, projectId, async (tx) => {
    return (await checkAllowed(tx, runId, request)).github_issue_number;
  });
  const now = await readIssue(deps, projectId, number);
  if (now === "gone") throw new Problem("conflict", `Issue #${number} is gone from the repository.`);
  return asProject(deps.db, projectId, async (tx) => {
    // The run, then the project, then the new job: a retry holds no old job's row.
    await sql`select from fc.pipeline_runs where id = ${runId} for update`.execute(tx);
    const run = await checkAllowed(tx, runId, request);
    await refuseSecondOpenRun(tx, run);
    const issue = now ?? (await storedIssue(tx, run));
    await advanceRun(tx, runId, { event: "retried", actor, attempt: run.attempt });
    const made = await enqueueRun(tx, deps, {
      projectId,
      issue: { ...issue, hasFeedbackLabel: hasLabel(issue.labels, botLabel) },
      source: "retry",
      triggeredBy: run.triggered_by,
      askedBy: actor.login,
      parentRunId: runId,
      branchSuffix: randomBytes(6).toString("hex"),
    });
    if (!made) throw anotherRun();
    await queueRetryEffects(tx, run, {
      newRunId: made.runId,
      isIssueClosed: issue.state !== "open",
    });
    await sql`select pg_notify('fc_gate', '')`.execute(tx);
    await recordAction(tx, deps, input);
    return { run: await readRun(tx, made.runId), jobId: idOf("job", made.jobId) };
  });
}

async function refuseSecondOpenRun(tx: Tx, run: RunRow): Promise<void> {
  const { rows } = await sql`select from fc.pipeline_runs
    where project_id = ${run.project_id} and github_issue_number = ${run.github_issue_number} and result is null`.execute(
    tx,
  );
  if (rows.length > 0) throw anotherRun();
}

async function queueRetryEffects(
  tx: Tx,
  old: RunRow,
  { newRunId, isIssueClosed }: { newRunId: string; isIssueClosed: boolean },
): Promise<void> {
  const { project_id: projectId, github_pr_number: number } = old;
  // GitHub makes a link of the issue's number; the new pull request names it too.
  const comment = `Closed: #${old.github_issue_number} is tried again by run ${idOf("run", newRunId)}.`;
  await queueEffects(tx, { projectId, runId: newRunId }, [
    ...(isIssueClosed ? [{ kind: "reopen_issue" } as const] : []),
    { kind: "issue_labels" },
    ...(number === null ? [] : [{ kind: "close_pull", number, comment } as const]),
  ]);
}

/** GitHub cannot be asked now: the text as the last run had it. */
async function storedIssue(tx: Tx, run: RunRow): Promise<IssueNow> {
  const { rows } = await sql<Omit<IssueNow, "number" | "url">>`
    select s.title, s.body, s.labels, s.author, i.state, i.github_updated_at::text as "updatedAt"
    from fc.issue_snapshots s join fc.issues i on i.id = s.issue_id
    where i.project_id = ${run.project_id} and i.number = ${run.github_issue_number}
    order by s.frozen_at desc limit 1`.execute(tx);
  const [row] = rows;
  if (!row) throw new Error(`Run ${run.id} has no snapshot of its issue.`);
  return { ...row, number: run.github_issue_number, url: run.issue_url };
}

function anotherRun(): Problem {
  return new Problem("conflict", "Another run of this issue is active already.");
}
