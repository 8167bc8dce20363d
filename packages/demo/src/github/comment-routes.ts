import type { Hono } from "hono";
import * as z from "zod";
import { addComment, editComment } from "./add-comment.ts";
import { hasRole } from "./authorize.ts";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, issueFor, page, repositoryFor } from "./context.ts";
import type { Comment, Hub, Issue, Repository } from "./hub.ts";
import { notFound, refusal } from "./refuse.ts";
import { renderComment } from "./render-issue.ts";

const readIssues = { permission: "issues", level: "read" } as const;
const writeIssues = { permission: "issues", level: "write" } as const;
const text = z.looseObject({ body: z.string().min(1).max(65_536) });

export function commentRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const ofIssue = "/repos/:owner/:repo/issues/:number{[0-9]+}/comments";
  const one = "/repos/:owner/:repo/issues/comments/:id{[0-9]+}";
  app.get(ofIssue, (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    const issue = issueFor(repository, c);
    const from = Date.parse(c.req.query("since") ?? "1970-01-01T00:00:00Z");
    const comments = issue.comments.filter(({ updatedAt }) => Math.floor(updatedAt.getTime() / 1000) * 1000 >= from);
    return c.json(page(c, comments).map((comment) => renderComment(hub, repository, issue, comment)));
  });
  app.post(ofIssue, async (c) => {
    const repository = repositoryFor(hub, c, writeIssues);
    const issue = issueFor(repository, c);
    const { body } = await bodyOf(c, text);
    return c.json(
      renderComment(hub, repository, issue, addComment(hub, repository, issue, body, callerOf(hub, c))),
      201,
    );
  });
  app.get(one, (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    const { issue, comment } = commentFor(repository, c);
    return c.json(renderComment(hub, repository, issue, comment));
  });
  app.patch(one, async (c) => {
    const repository = repositoryFor(hub, c, writeIssues);
    const { issue, comment } = commentFor(repository, c);
    const caller = callerOf(hub, c);
    const mayEdit = comment.author.id === caller.id || hasRole(repository, caller.login, "write");
    if (!mayEdit) throw refusal(403, "Must have admin rights to Repository.");
    const { body } = await bodyOf(c, text);
    editComment(hub, repository, issue, comment, body, caller);
    return c.json(renderComment(hub, repository, issue, comment));
  });
}

function commentFor(repository: Repository, c: AppContext): { issue: Issue; comment: Comment } {
  const id = Number(c.req.param("id"));
  for (const issue of repository.issues.values()) {
    const comment = issue.comments.find((one) => one.id === id);
    if (comment) return { issue, comment };
  }
  throw notFound();
}
