import type { Hub, Repository, User } from "./hub.ts";
import { editIssue, type IssueEdit, tellIssue } from "./edit-issue.ts";
import { invalid } from "./refuse.ts";
import type { PullIssue } from "./render-pull.ts";

export type PullEdit = IssueEdit & { base?: string };

/** Edits a pull request. `draft` cannot be changed here: GitHub ignores it in a PATCH. */
export async function editPull(
  hub: Hub,
  repository: Repository,
  issue: PullIssue,
  edit: PullEdit,
  sender: User,
): Promise<void> {
  const { pull } = issue;
  if (edit.state === "open" && issue.state === "closed") refuseReopening(repository, issue);
  if (edit.base !== undefined && edit.base !== pull.baseRef) {
    const baseSha = repository.refs.get(`refs/heads/${edit.base}`);
    if (!baseSha) throw invalid({ resource: "PullRequest", field: "base", code: "invalid" });
    const changes = { base: { ref: { from: pull.baseRef }, sha: { from: pull.baseSha } } };
    Object.assign(pull, { baseRef: edit.base, baseSha });
    await tellIssue(hub, repository, issue, "edited", sender, { changes });
  }
  await editIssue(hub, repository, issue, edit, sender);
}

function refuseReopening(repository: Repository, { pull }: PullIssue): void {
  const why = pull.mergedAt
    ? "The pull request cannot be reopened."
    : repository.refs.has(`refs/heads/${pull.headRef}`)
      ? null
      : `The ${pull.headRef} branch has been deleted.`;
  const message = `state cannot be changed. ${why}`;
  if (why) throw invalid({ resource: "PullRequest", code: "invalid", field: "state", message });
}

export async function markReady(hub: Hub, repository: Repository, issue: PullIssue, sender: User): Promise<void> {
  if (!issue.pull.isDraft) return;
  issue.pull.isDraft = false;
  issue.updatedAt = hub.now();
  await tellIssue(hub, repository, issue, "ready_for_review", sender);
}
