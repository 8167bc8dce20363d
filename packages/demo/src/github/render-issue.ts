import type { Comment, Hub, Issue, Label, LabelChange, Repository } from "./hub.ts";
import { nodeId, timestamp } from "./wire-values.ts";
import { htmlUrl, repositoryUrl } from "./render-repository.ts";
import { authorAssociation, renderUser } from "./render-user.ts";

export function renderLabel(hub: Hub, repository: Repository, label: Label) {
  return {
    id: label.id,
    node_id: nodeId("LA", label.id),
    url: `${repositoryUrl(hub, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

export function renderIssue(hub: Hub, repository: Repository, issue: Issue) {
  const url = `${repositoryUrl(hub, repository)}/issues/${issue.number}`;
  return {
    url,
    repository_url: repositoryUrl(hub, repository),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: issueHtmlUrl(hub, repository, issue),
    id: issue.id,
    node_id: nodeId("I", issue.id),
    number: issue.number,
    title: issue.title,
    user: renderUser(hub, issue.author),
    labels: issue.labels.map((label) => renderLabel(hub, repository, label)),
    state: issue.state,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: issue.comments.length,
    created_at: timestamp(issue.createdAt),
    updated_at: timestamp(issue.updatedAt),
    closed_at: issue.closedAt && timestamp(issue.closedAt),
    author_association: authorAssociation(repository, issue.author),
    active_lock_reason: null,
    body: issue.body,
    reactions: renderReactions(url),
    ...(issue.pull ? { draft: issue.pull.isDraft, pull_request: pullLinks(hub, repository, issue) } : {}),
  };
}

/** The REST answers carry more than the webhooks do. */
export function renderFullIssue(hub: Hub, repository: Repository, issue: Issue) {
  return {
    ...renderIssue(hub, repository, issue),
    closed_by: issue.closedBy && renderUser(hub, issue.closedBy),
    timeline_url: `${repositoryUrl(hub, repository)}/issues/${issue.number}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.stateReason,
  };
}

export function issueHtmlUrl(hub: Hub, repository: Repository, issue: Issue): string {
  return `${htmlUrl(hub, repository)}/${issue.pull ? "pull" : "issues"}/${issue.number}`;
}

export function renderComment(hub: Hub, repository: Repository, issue: Issue, comment: Comment) {
  const url = `${repositoryUrl(hub, repository)}/issues/comments/${comment.id}`;
  return {
    url,
    html_url: `${issueHtmlUrl(hub, repository, issue)}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(hub, repository)}/issues/${issue.number}`,
    id: comment.id,
    node_id: nodeId("IC", comment.id),
    user: renderUser(hub, comment.author),
    created_at: timestamp(comment.createdAt),
    updated_at: timestamp(comment.updatedAt),
    author_association: authorAssociation(repository, comment.author),
    body: comment.body,
    reactions: renderReactions(url),
    performed_via_github_app: null,
  };
}

/** Only the name and colour of a label stand in an event. */
export function renderLabelChange(hub: Hub, repository: Repository, change: LabelChange) {
  const { id, event, actor, createdAt, label } = change;
  return {
    id,
    node_id: nodeId("LE", id),
    url: `${repositoryUrl(hub, repository)}/issues/events/${id}`,
    actor: renderUser(hub, actor),
    event,
    commit_id: null,
    commit_url: null,
    created_at: timestamp(createdAt),
    label: { name: label.name, color: label.color },
    performed_via_github_app: null,
  };
}

function renderReactions(url: string) {
  const none = { "+1": 0, "-1": 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };
  return { url: `${url}/reactions`, total_count: 0, ...none };
}

function pullLinks(hub: Hub, repository: Repository, issue: Issue) {
  const html = issueHtmlUrl(hub, repository, issue);
  const mergedAt = issue.pull?.mergedAt;
  return {
    url: `${repositoryUrl(hub, repository)}/pulls/${issue.number}`,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    merged_at: mergedAt ? timestamp(mergedAt) : null,
  };
}
