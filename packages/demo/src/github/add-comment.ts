import type { Comment, Hub, Issue, Repository, User } from "./hub.ts";
import { renderComment, renderIssue } from "./render-issue.ts";

export function addComment(hub: Hub, repository: Repository, issue: Issue, body: string, author: User): Comment {
  const at = hub.now();
  const comment: Comment = { id: hub.newId(), author, body, createdAt: at, updatedAt: at };
  issue.comments.push(comment);
  issue.updatedAt = at;
  tell(hub, repository, issue, comment, "created", author);
  return comment;
}

export function editComment(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  comment: Comment,
  body: string,
  sender: User,
): void {
  const changes = { body: { from: comment.body } };
  comment.body = body;
  comment.updatedAt = hub.now();
  tell(hub, repository, issue, comment, "edited", sender, { changes });
}

function tell(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  comment: Comment,
  action: string,
  sender: User,
  more: object = {},
): void {
  const payload = {
    action,
    issue: renderIssue(hub, repository, issue),
    comment: renderComment(hub, repository, issue, comment),
  };
  hub.emit(repository, "issue_comment", { ...payload, ...more }, sender);
}
