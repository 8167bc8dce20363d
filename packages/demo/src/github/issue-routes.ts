import type { Hono } from "hono";
import * as z from "zod";
import { hasRole } from "./authorize.ts";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, issueFor, page, repositoryFor } from "./context.ts";
import { createIssue } from "./create-issue.ts";
import { editIssue } from "./edit-issue.ts";
import type { Hub, Issue, Repository } from "./hub.ts";
import { setLabels } from "./labels.ts";
import { invalid, refusal } from "./refuse.ts";
import { renderFullIssue, renderLabelChange } from "./render-issue.ts";

const readIssues = { permission: "issues", level: "read" } as const;
const writeIssues = { permission: "issues", level: "write" } as const;
const labelNames = z.array(z.union([z.string(), z.looseObject({ name: z.string() })]));
const created = z.looseObject({
  title: z.union([z.string().min(1), z.number()]),
  body: z.string().nullish(),
  labels: labelNames.optional(),
});
const edited = z.looseObject({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  state_reason: z.enum(["completed", "not_planned", "duplicate", "reopened"]).nullish(),
  labels: labelNames.optional(),
});

export function issueRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/repos/:owner/:repo/issues", (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    if (!repository.hasIssues) throw refusal(410, "Issues are disabled for this repo");
    return c.json(page(c, listIssues(repository, c)).map((issue) => renderFullIssue(hub, repository, issue)));
  });
  app.post("/repos/:owner/:repo/issues", async (c) => {
    const repository = repositoryFor(hub, c, writeIssues);
    if (!repository.hasIssues) throw refusal(410, "Issues are disabled for this repo");
    const { title, body, labels = [] } = await bodyOf(c, created);
    const token = c.get("token")!;
    // GitHub drops the labels silently when the author may not set any.
    const mayLabel = token.kind === "installation" || hasRole(repository, token.user.login, "triage");
    const names = mayLabel ? namesOf(labels) : [];
    const issue = createIssue(hub, repository, {
      title: String(title),
      body: body ?? null,
      labels: names,
      author: callerOf(hub, c),
    });
    return c.json(renderFullIssue(hub, repository, issue), 201);
  });
  app.get("/repos/:owner/:repo/issues/:number{[0-9]+}", (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    return c.json(renderFullIssue(hub, repository, issueFor(repository, c)));
  });
  app.get("/repos/:owner/:repo/issues/:number{[0-9]+}/events", (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    const changes = page(c, issueFor(repository, c).labelHistory);
    return c.json(changes.map((change) => renderLabelChange(hub, repository, change)));
  });
  app.patch("/repos/:owner/:repo/issues/:number{[0-9]+}", (c) => patchIssue(hub, c));
}

async function patchIssue(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, writeIssues);
  const issue = issueFor(repository, c);
  const { title, body, state, state_reason, labels } = await bodyOf(c, edited);
  const caller = callerOf(hub, c);
  const isOwn = issue.author.id === caller.id;
  if (!isOwn && c.get("token")!.kind !== "installation" && !hasRole(repository, caller.login, "triage")) {
    throw refusal(403, "Must have admin rights to Repository.");
  }
  const stateReason = state_reason === "not_planned" ? state_reason : null;
  const edit = {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(state ? { state } : {}),
  };
  await editIssue(hub, repository, issue, { ...edit, stateReason }, caller);
  if (labels) await setLabels(hub, repository, issue, namesOf(labels), caller);
  return c.json(renderFullIssue(hub, repository, issue));
}

export function namesOf(labels: z.infer<typeof labelNames>): string[] {
  return labels.map((label) => (typeof label === "string" ? label : label.name));
}

function listIssues(repository: Repository, c: AppContext): Issue[] {
  const { state = "open", labels = "", since, sort = "created", direction = "desc", creator } = c.req.query();
  if (!["open", "closed", "all"].includes(state)) throw invalid({ resource: "Issue", field: "state", code: "invalid" });
  const wanted = labels
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
  const from = since ? Date.parse(since) : 0;
  const rank = {
    created: (issue: Issue) => issue.createdAt.getTime(),
    updated: (issue: Issue) => issue.updatedAt.getTime(),
    comments: (issue: Issue) => issue.comments.length,
  };
  const by = rank[sort as keyof typeof rank] ?? rank.created;
  const sign = direction === "asc" ? 1 : -1;
  return (
    [...repository.issues.values()]
      .filter((issue) => state === "all" || issue.state === state)
      .filter((issue) => wanted.every((name) => issue.labels.some((label) => label.name.toLowerCase() === name)))
      // Times go out without fractions, so that is how they are compared.
      .filter((issue) => Math.floor(issue.updatedAt.getTime() / 1000) * 1000 >= from)
      .filter((issue) => !creator || issue.author.login.toLowerCase() === creator.toLowerCase())
      .sort((a, b) => sign * (by(a) - by(b) || a.number - b.number))
  );
}
