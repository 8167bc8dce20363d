import type { Hono } from "hono";
import * as z from "zod";
import { canSee, grants, hasRole } from "./authorize.ts";
import { type AppContext, type AppEnvironment, bodyOf } from "./context.ts";
import { markReady } from "./edit-pull.ts";
import type { Hub, Repository } from "./hub.ts";
import { refusal } from "./refuse.ts";
import { issueHtmlUrl } from "./render-issue.ts";
import { type PullIssue, pullNodeId } from "./render-pull.ts";

const request = z.looseObject({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

/** The one thing that REST cannot do: take the draft mark off a pull request. Every other query is refused. */
export function graphqlRoute(hub: Hub, app: Hono<AppEnvironment>): void {
  app.post("/graphql", async (c) => {
    const token = c.get("token");
    if (!token) throw refusal(401, "This endpoint requires you to be authenticated.");
    const { query, variables } = await bodyOf(c, request);
    if (!/\bmarkPullRequestReadyForReview\b/.test(query))
      return failed(c, "UNPROCESSABLE", "This stand-in only marks pull requests ready.");
    const id = pullIdIn(query, variables ?? {});
    const found = id === undefined ? undefined : findPull(hub, id);
    if (!found || !canSee(found.repository, token))
      return failed(c, "NOT_FOUND", `Could not resolve to a node with the global id of '${id}'`);
    const { repository, issue } = found;
    const mayWrite = grants(token, repository, { permission: "pull_requests", level: "write" });
    const hasRights =
      token.kind === "installation" ||
      issue.author.id === token.user.id ||
      hasRole(repository, token.user.login, "write");
    if (!mayWrite || !hasRights)
      return failed(
        c,
        "FORBIDDEN",
        `Resource not accessible by ${token.kind === "installation" ? "integration" : "personal access token"}`,
      );
    if (repository.isArchived) return failed(c, "UNPROCESSABLE", "Repository was archived so is read-only.");
    if (issue.state === "closed") return failed(c, "UNPROCESSABLE", "Pull request is closed");
    await markReady(hub, repository, issue, token.user);
    const pullRequest = {
      id,
      number: issue.number,
      isDraft: issue.pull.isDraft,
      state: "OPEN",
      url: issueHtmlUrl(hub, repository, issue),
    };
    return c.json({
      data: { markPullRequestReadyForReview: { clientMutationId: null, pullRequest } },
    });
  });
}

// GraphQL answers 200 for its own errors.
function failed(c: AppContext, type: string, message: string): Response {
  return c.json({
    data: null,
    errors: [{ type, path: ["markPullRequestReadyForReview"], message }],
  });
}

/** The id stands in the query itself, or in a variable, bare or inside an input. */
function pullIdIn(query: string, variables: Record<string, unknown>): string | undefined {
  const inline = /pullRequestId\s*:\s*"([^"]+)"/.exec(query)?.[1];
  if (inline) return inline;
  const name = /pullRequestId\s*:\s*\$(\w+)/.exec(query)?.[1];
  if (name && typeof variables[name] === "string") return variables[name];
  const inputs = Object.values(variables).filter(
    (value): value is { pullRequestId: string } =>
      typeof value === "object" && value !== null && "pullRequestId" in value,
  );
  return inputs[0]?.pullRequestId;
}

function findPull(hub: Hub, id: string): { repository: Repository; issue: PullIssue } | undefined {
  for (const repository of hub.repositories.values()) {
    const issue = [...repository.issues.values()].find(({ pull }) => pull && pullNodeId(pull) === id);
    if (issue) return { repository, issue: issue as PullIssue };
  }
  return undefined;
}
