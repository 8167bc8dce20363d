import type { Hub, Issue, Repository, User } from "./hub.ts";
import { ensureLabel, noteLabel } from "./labels.ts";
import { renderIssue, renderLabel } from "./render-issue.ts";

export type NewIssue = { title: string; body?: string | null; labels?: string[]; author: User };

/** Opens an issue. Born with labels it sends `opened` and then one `labeled` for each, as GitHub does. */
export function createIssue(
  hub: Hub,
  repository: Repository,
  { title, body = null, labels = [], author }: NewIssue,
): Issue {
  const issue = newIssue(hub, repository, { title, body, author });
  issue.labels = [...new Set(labels)].map((name) => ensureLabel(hub, repository, name));
  repository.issues.set(issue.number, issue);
  hub.emit(repository, "issues", { action: "opened", issue: renderIssue(hub, repository, issue) }, author);
  for (const label of issue.labels) {
    noteLabel(hub, issue, { event: "labeled", label, actor: author });
    const rendered = renderLabel(hub, repository, label);
    hub.emit(
      repository,
      "issues",
      { action: "labeled", issue: renderIssue(hub, repository, issue), label: rendered },
      author,
    );
  }
  return issue;
}

/** The record behind an issue or a pull request, with the next number of their common sequence. */
export function newIssue(hub: Hub, repository: Repository, { title, body = null, author }: NewIssue): Issue {
  const at = hub.now();
  const number = repository.nextNumber++;
  return {
    id: hub.newId(), number, title, body, author, labels: [], state: "open", stateReason: null,
    createdAt: at, updatedAt: at, closedAt: null, closedBy: null, comments: [], labelHistory: [],
  }; // prettier-ignore
}
