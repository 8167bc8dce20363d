import { repositoryOf } from "../find.ts";
import type { Hub, Issue, Pull } from "../hub.ts";

export type IssueView = {
  number: number;
  title: string;
  body: string | null;
  state: "open" | "closed";
  stateReason: string | null;
  author: string;
  labels: string[];
  comments: { id: number; author: string; body: string }[];
};
export type PullView = IssueView & {
  head: string;
  headSha: string;
  base: string;
  isDraft: boolean;
  isMerged: boolean;
};
/** Refs by full name (`refs/heads/main`). */
export type RepositoryView = {
  refs: Record<string, string>;
  issues: IssueView[];
  pulls: PullView[];
};

/** What stands in a repository now, for a test's expectations. */
export function lookAt(hub: Hub, repo: string): RepositoryView {
  const repository = repositoryOf(hub, repo);
  const all = [...repository.issues.values()];
  return {
    refs: Object.fromEntries(repository.refs),
    issues: all.filter(({ pull }) => !pull).map(viewIssue),
    pulls: all.flatMap((issue) => (issue.pull ? [{ ...viewIssue(issue), ...viewPull(issue.pull) }] : [])),
  };
}

function viewIssue({ number, title, body, state, stateReason, author, labels, comments }: Issue): IssueView {
  const said = comments.map((comment) => ({
    id: comment.id,
    author: comment.author.login,
    body: comment.body,
  }));
  return {
    number,
    title,
    body,
    state,
    stateReason,
    author: author.login,
    labels: labels.map(({ name }) => name),
    comments: said,
  };
}

function viewPull({ headRef: head, headSha, baseRef: base, isDraft, mergedAt }: Pull) {
  return { head, headSha, base, isDraft, isMerged: mergedAt !== null };
}
