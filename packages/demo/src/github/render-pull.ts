import { fullNameOf } from "./find.ts";
import type { Hub, Issue, Pull, Repository } from "./hub.ts";
import { nodeId, timestamp } from "./wire-values.ts";
import { issueHtmlUrl, renderLabel } from "./render-issue.ts";
import { renderRepository, repositoryUrl } from "./render-repository.ts";
import { authorAssociation, renderUser } from "./render-user.ts";

export type PullIssue = Issue & { pull: Pull };

/** A pull request as lists carry it. */
export function renderPullSimple(hub: Hub, repository: Repository, issue: PullIssue) {
  const { pull } = issue;
  const api = repositoryUrl(hub, repository);
  const url = `${api}/pulls/${issue.number}`;
  const html = issueHtmlUrl(hub, repository, issue);
  const links = {
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${api}/issues/${issue.number}/comments`,
    statuses_url: `${api}/statuses/${pull.headSha}`,
  };
  return {
    url,
    id: pull.id,
    node_id: pullNodeId(pull),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${api}/issues/${issue.number}`,
    number: issue.number,
    state: issue.state,
    locked: false,
    title: issue.title,
    user: renderUser(hub, issue.author),
    body: issue.body,
    created_at: timestamp(issue.createdAt),
    updated_at: timestamp(issue.updatedAt),
    closed_at: issue.closedAt && timestamp(issue.closedAt),
    merged_at: pull.mergedAt && timestamp(pull.mergedAt),
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: issue.labels.map((label) => renderLabel(hub, repository, label)),
    milestone: null,
    ...links,
    head: renderSide(hub, repository, pull.headRef, pull.headSha),
    base: renderSide(hub, repository, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: `${api}/issues/${issue.number}` },
      comments: { href: links.comments_url },
      review_comments: { href: links.review_comments_url },
      review_comment: { href: links.review_comment_url },
      commits: { href: links.commits_url },
      statuses: { href: links.statuses_url },
    },
    author_association: authorAssociation(repository, issue.author),
    auto_merge: null,
    active_lock_reason: null,
    draft: pull.isDraft,
  };
}

export type PullFacts = {
  mergeable: boolean | null;
  commits: number;
  additions: number;
  deletions: number;
  changedFiles: number;
};

/** One pull request, with what has to be counted in the repository. */
export function renderPull(hub: Hub, repository: Repository, issue: PullIssue, facts: PullFacts) {
  return {
    ...renderPullSimple(hub, repository, issue),
    merged: issue.pull.mergedAt !== null,
    mergeable: facts.mergeable,
    rebaseable: facts.mergeable,
    mergeable_state: mergeableState(repository, issue, facts),
    merged_by: issue.pull.mergedBy && renderUser(hub, issue.pull.mergedBy),
    comments: issue.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: facts.commits,
    additions: facts.additions,
    deletions: facts.deletions,
    changed_files: facts.changedFiles,
  };
}

function mergeableState(repository: Repository, issue: PullIssue, { mergeable }: PullFacts): string {
  if (mergeable === null) return "unknown";
  if (!mergeable) return "dirty";
  if (issue.pull.isDraft) return "draft";
  return isGreen(repository, issue.pull.headSha) ? "clean" : "unstable";
}

/** The newest status of each context, and every check run. */
function isGreen({ statuses, checkRuns }: Repository, headSha: string): boolean {
  const ofHead = statuses.filter(({ sha }) => sha === headSha);
  const newest = new Map(ofHead.toReversed().map((status) => [status.context, status.state]));
  const checks = checkRuns.filter(({ sha }) => sha === headSha).map(({ conclusion }) => conclusion);
  const good: (string | null)[] = ["success", "neutral", "skipped"];
  return [...newest.values(), ...checks].every((state) => good.includes(state));
}

export function pullNodeId(pull: Pull): string {
  return nodeId("PR", pull.id);
}

function renderSide(hub: Hub, repository: Repository, ref: string, sha: string) {
  const [owner] = fullNameOf(repository).split("/");
  return {
    label: `${owner}:${ref}`,
    ref,
    sha,
    user: renderUser(hub, repository.owner),
    repo: renderRepository(hub, repository),
  };
}
