import type { Hub, Issue, Repository, User } from "./hub.ts";
import { pullPayload } from "./pull-facts.ts";
import { renderIssue } from "./render-issue.ts";

export type IssueEdit = {
  title?: string;
  body?: string | null;
  state?: "open" | "closed";
  stateReason?: Issue["stateReason"];
};

/** Edits an issue or the issue side of a pull request; sends `edited`, `closed` or `reopened` for what changed. */
export async function editIssue(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  edit: IssueEdit,
  sender: User,
): Promise<void> {
  const changes: Record<string, { from: string }> = {};
  if (edit.title !== undefined && edit.title !== issue.title) {
    changes["title"] = { from: issue.title };
    issue.title = edit.title;
  }
  if (edit.body !== undefined && edit.body !== issue.body) {
    changes["body"] = { from: issue.body ?? "" };
    issue.body = edit.body;
  }
  if (Object.keys(changes).length > 0) {
    issue.updatedAt = hub.now();
    await tellIssue(hub, repository, issue, "edited", sender, { changes });
  }
  if (edit.state !== undefined && edit.state !== issue.state) await turn(hub, repository, issue, edit, sender);
}

async function turn(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  { state, stateReason }: IssueEdit,
  sender: User,
): Promise<void> {
  const at = hub.now();
  const isClosed = state === "closed";
  issue.state = isClosed ? "closed" : "open";
  issue.stateReason = isClosed ? (issue.pull ? null : (stateReason ?? "completed")) : "reopened";
  issue.closedAt = isClosed ? at : null;
  issue.closedBy = isClosed ? sender : null;
  issue.updatedAt = at;
  await tellIssue(hub, repository, issue, isClosed ? "closed" : "reopened", sender);
}

export async function tellIssue(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  action: string,
  sender: User,
  more: Record<string, unknown> = {},
): Promise<void> {
  const [event, payload] = issue.pull
    ? ["pull_request", await pullPayload(hub, repository, issue, action)]
    : ["issues", { action, issue: renderIssue(hub, repository, issue) }];
  hub.emit(repository, event as string, { ...(payload as object), ...more }, sender);
}
