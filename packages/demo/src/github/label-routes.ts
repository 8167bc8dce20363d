import type { Hono } from "hono";
import * as z from "zod";
import { type AppEnvironment, bodyOf, callerOf, issueFor, page, repositoryFor } from "./context.ts";
import type { Hub, Issue, Label, Repository } from "./hub.ts";
import { namesOf } from "./issue-routes.ts";
import { addLabels, removeLabel, setLabels } from "./labels.ts";
import { invalid, notFound, refusal } from "./refuse.ts";
import { renderLabel } from "./render-issue.ts";

const readIssues = { permission: "issues", level: "read" } as const;
const triageIssues = { permission: "issues", level: "write", role: "triage" } as const;
const writeIssues = { permission: "issues", level: "write", role: "write" } as const;
const newLabel = z.looseObject({
  name: z.string().min(1).max(50),
  color: z
    .string()
    .regex(/^[0-9a-fA-F]{6}$/)
    .default("ededed"),
  description: z.string().max(100).nullish(),
});
const some = z.array(z.union([z.string(), z.looseObject({ name: z.string() })]));
const names = z.union([z.looseObject({ labels: some.default([]) }), some]);

export function labelRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const ofIssue = "/repos/:owner/:repo/issues/:number{[0-9]+}/labels";
  const render = (repository: Repository, labels: Label[]) =>
    labels.map((label) => renderLabel(hub, repository, label));

  app.get("/repos/:owner/:repo/labels", (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    return c.json(render(repository, page(c, [...repository.labels.values()])));
  });
  app.get("/repos/:owner/:repo/labels/:name", (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    const label = repository.labels.get(c.req.param("name").toLowerCase());
    if (!label) throw notFound();
    return c.json(renderLabel(hub, repository, label));
  });
  app.post("/repos/:owner/:repo/labels", async (c) => {
    const repository = repositoryFor(hub, c, writeIssues);
    const { name, color, description = null } = await bodyOf(c, newLabel);
    if (repository.labels.has(name.toLowerCase()))
      throw invalid({ resource: "Label", code: "already_exists", field: "name" });
    const label = { id: hub.newId(), name, color, description };
    repository.labels.set(name.toLowerCase(), label);
    return c.json(renderLabel(hub, repository, label), 201);
  });

  app.get(ofIssue, (c) => {
    const repository = repositoryFor(hub, c, readIssues);
    return c.json(render(repository, page(c, issueFor(repository, c).labels)));
  });
  const change =
    (
      how: (
        repository: Repository,
        issue: Issue,
        wanted: string[],
        caller: ReturnType<typeof callerOf>,
      ) => Promise<void>,
    ) =>
    async (c: Parameters<typeof callerOf>[1]) => {
      const repository = repositoryFor(hub, c, triageIssues);
      const issue = issueFor(repository, c);
      const body = await bodyOf(c, names);
      await how(repository, issue, namesOf(Array.isArray(body) ? body : body.labels), callerOf(hub, c));
      return c.json(render(repository, issue.labels));
    };
  app.post(
    ofIssue,
    change((repository, issue, wanted, caller) => addLabels(hub, repository, issue, wanted, caller)),
  );
  app.put(
    ofIssue,
    change((repository, issue, wanted, caller) => setLabels(hub, repository, issue, wanted, caller)),
  );
  app.delete(`${ofIssue}/:name`, async (c) => {
    const repository = repositoryFor(hub, c, triageIssues);
    const issue = issueFor(repository, c);
    const wasOn = await removeLabel(hub, repository, issue, c.req.param("name"), callerOf(hub, c));
    if (!wasOn) throw refusal(404, "Label does not exist");
    return c.json(render(repository, issue.labels));
  });
}
