import { isOurBranch } from "@feedback-chat/agent/core/branch";
import { triggerLabel } from "@feedback-chat/agent/core/labels";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import type { ProjectGitHub } from "../github/github-for.ts";
import { asProject } from "../platform/as-tenant.ts";
import { applyLabels, createLabels } from "./apply-labels.ts";
import { findIssueOf } from "./find-issue-of.ts";
import type { Effect } from "./queue-effects.ts";
import { type PastActs, pastActs } from "./past-acts.ts";
import { deleteBranches, sweepBranches } from "./withdraw-branch.ts";

type Deps = Pick<AppDeps, "db">;
type Applied = { id: string; projectId: string; runId: string | null; effect: Effect };

/**
 * Does one effect on GitHub, or finds it done. Every kind looks first, so the same effect again changes nothing.
 * @returns why there was nothing to do, or null.
 */
export async function applyEffect(
  { db }: Deps,
  github: ProjectGitHub,
  { id, projectId, runId, effect }: Applied,
): Promise<string | null> {
  const issue = runId ? await asProject(db, projectId, (tx) => findIssueOf(tx, runId)) : undefined;
  switch (effect.kind) {
    case "issue_labels":
      return issue ? applyLabels(github, issue) : noIssue;
    case "issue_comment":
      return issue ? commentOnce(github, issue.number, effect) : noIssue;
    case "close_issue":
      return issue ? turnIssue(github, issue.number, "closed", effect.reason) : noIssue;
    case "reopen_issue":
      return issue ? turnIssue(github, issue.number, "open", "reopened") : noIssue;
    case "close_pull":
      return closePull(github, effect, await pastActs({ db }, { id, projectId, runId }));
    case "mark_ready":
      return markReady(github, effect.number, issue?.number ?? null);
    case "delete_branch":
      return deleteBranches(github, effect.branch, runId, await pastActs({ db }, { id, projectId, runId }));
    case "sweep_branch":
      return sweepBranches(github, effect.branch, runId, await pastActs({ db }, { id, projectId, runId }));
    case "project_labels":
      return createLabels(github, await triggerLabelOf(db, projectId));
    default:
      return "nothing to be done on GitHub";
  }
}

async function triggerLabelOf(db: Deps["db"], projectId: string): Promise<string> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ label: string }>`select trigger_label as label from fc.projects where id = ${projectId}`.execute(tx),
  );
  return rows[0]?.label ?? triggerLabel;
}

const noIssue = "it names no run";

async function commentOnce(
  { octokit, named }: ProjectGitHub,
  number: number,
  { marker, body }: { marker: string; body: string },
): Promise<string | null> {
  const hidden = `<!-- feedback-chat:${marker} -->`;
  const comments = await octokit.paginate(octokit.rest.issues.listComments, {
    ...named,
    issue_number: number,
    per_page: 100,
  });
  if (comments.some((comment) => comment.body?.includes(hidden))) return "it was said before";
  await octokit.rest.issues.createComment({
    ...named,
    issue_number: number,
    body: `${body}\n\n${hidden}`,
  });
  return null;
}

async function turnIssue(
  { octokit, named }: ProjectGitHub,
  number: number,
  state: "open" | "closed",
  reason: "completed" | "not_planned" | "reopened",
): Promise<string | null> {
  const { data } = await octokit.rest.issues.get({ ...named, issue_number: number });
  if (data.state === state) return `the issue is ${state} already`;
  await octokit.rest.issues.update({ ...named, issue_number: number, state, state_reason: reason });
  return null;
}

async function closePull(
  github: ProjectGitHub,
  { number, comment }: { number: number; comment: string | null },
  acts: PastActs,
): Promise<string | null> {
  const { octokit, named } = github;
  const { data } = await octokit.rest.pulls.get({ ...named, pull_number: number });
  if (!isOurBranch(data.head.ref)) return "the pull request is not of a branch of ours";
  if (data.state === "closed") return "the pull request is closed already";
  if (acts.has(`pulls/${number}`)) return "it was closed before, and a person opened it again";
  if (comment) await commentOnce(github, number, { marker: "closed", body: comment });
  await octokit.rest.pulls.update({ ...named, pull_number: number, state: "closed" });
  await acts.add(`pulls/${number}`);
  return null;
}

/** A person said yes: merging it closes the issue from now on. The REST API cannot take the draft mark off. */
async function markReady(
  { octokit, named }: ProjectGitHub,
  number: number,
  issueNumber: number | null,
): Promise<string | null> {
  const { data } = await octokit.rest.pulls.get({ ...named, pull_number: number });
  if (data.state === "closed") return "the pull request is closed";
  const body = (data.body ?? "").replace(new RegExp(`^Refs #${issueNumber}(?= *$)`, "m"), `Closes #${issueNumber}`);
  if (body !== (data.body ?? "")) await octokit.rest.pulls.update({ ...named, pull_number: number, body });
  if (!data.draft) return "the pull request is ready already";
  await octokit.graphql(
    `mutation ready($id: ID!) { markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } } }`,
    { id: data.node_id },
  );
  return null;
}
