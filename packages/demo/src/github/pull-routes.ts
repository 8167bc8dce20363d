import type { Hono } from "hono";
import * as z from "zod";
import { hasRole } from "./authorize.ts";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, page, pullFor, repositoryFor } from "./context.ts";
import { createPull } from "./create-pull.ts";
import { editPull } from "./edit-pull.ts";
import type { Hub, Repository } from "./hub.ts";
import { mergePull } from "./merge-pull.ts";
import { type ChangedFile, listPullFiles, readPullFacts } from "./pull-facts.ts";
import { refusal } from "./refuse.ts";
import { type PullIssue, renderPull, renderPullSimple } from "./render-pull.ts";
import { htmlUrl, repositoryUrl } from "./render-repository.ts";

const readPulls = { permission: "pull_requests", level: "read" } as const;
const writePulls = { permission: "pull_requests", level: "write" } as const;
const created = z.looseObject({
  title: z.string().min(1),
  body: z.string().nullish(),
  head: z.string(),
  base: z.string(),
  draft: z.boolean().optional(),
});
const edited = z.looseObject({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().optional(),
});
const merged = z.looseObject({
  commit_title: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(["merge", "squash"]).default("merge"),
});

export function pullRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const one = "/repos/:owner/:repo/pulls/:number{[0-9]+}";
  const show = async (repository: Repository, issue: PullIssue) =>
    renderPull(hub, repository, issue, await readPullFacts(hub, repository, issue));

  app.get("/repos/:owner/:repo/pulls", (c) => {
    const repository = repositoryFor(hub, c, readPulls);
    return c.json(page(c, listPulls(repository, c)).map((issue) => renderPullSimple(hub, repository, issue)));
  });
  app.post("/repos/:owner/:repo/pulls", async (c) => {
    const repository = repositoryFor(hub, c, { ...writePulls, role: "write" });
    const { title, body = null, head, base, draft = false } = await bodyOf(c, created);
    const issue = await createPull(hub, repository, {
      title,
      body,
      head,
      base,
      isDraft: draft,
      author: callerOf(hub, c),
    });
    return c.json(await show(repository, issue), 201);
  });
  app.get(one, async (c) => {
    const repository = repositoryFor(hub, c, readPulls);
    return c.json(await show(repository, pullFor(repository, c)));
  });
  app.patch(one, async (c) => {
    const repository = repositoryFor(hub, c, writePulls);
    const issue = pullFor(repository, c);
    const caller = callerOf(hub, c);
    const mayEdit =
      c.get("token")!.kind === "installation" ||
      issue.author.id === caller.id ||
      hasRole(repository, caller.login, "write");
    if (!mayEdit) throw refusal(403, "Must have admin rights to Repository.");
    const { title, body, state, base } = await bodyOf(c, edited);
    const texts = {
      ...(title === undefined ? {} : { title }),
      ...(body === undefined ? {} : { body }),
    };
    await editPull(
      hub,
      repository,
      issue,
      { ...texts, ...(state ? { state } : {}), ...(base ? { base } : {}) },
      caller,
    );
    return c.json(await show(repository, issue));
  });
  app.get(`${one}/files`, async (c) => {
    const repository = repositoryFor(hub, c, readPulls);
    const issue = pullFor(repository, c);
    const files = page(c, await listPullFiles(hub, repository, issue));
    return c.json(files.map((file) => renderFile(hub, repository, issue, file)));
  });
  app.get(`${one}/merge`, (c) => {
    const repository = repositoryFor(hub, c, readPulls);
    return c.body(null, pullFor(repository, c).pull.mergedAt ? 204 : 404);
  });
  app.put(`${one}/merge`, async (c) => {
    const repository = repositoryFor(hub, c, {
      permission: "contents",
      level: "write",
      role: "write",
    });
    const { commit_title: title, sha, merge_method: method } = await bodyOf(c, merged);
    const wanted = { method, ...(sha ? { sha } : {}), ...(title ? { title } : {}) };
    const commit = await mergePull(hub, repository, pullFor(repository, c), wanted, callerOf(hub, c));
    return c.json({ sha: commit, merged: true, message: "Pull Request successfully merged" });
  });
}

function listPulls(repository: Repository, c: AppContext): PullIssue[] {
  const {
    state = "open",
    head,
    base,
    sort = "created",
    direction = sort === "created" ? "desc" : "asc",
  } = c.req.query();
  const owner = repository.owner.login.toLowerCase();
  const [headOwner, headRef] = head?.includes(":")
    ? [head.split(":")[0]!.toLowerCase(), head.slice(head.indexOf(":") + 1)]
    : [];
  const at = (issue: PullIssue) => (sort === "updated" ? issue.updatedAt : issue.createdAt).getTime();
  const sign = direction === "asc" ? 1 : -1;
  return (
    [...repository.issues.values()]
      .filter((issue): issue is PullIssue => issue.pull !== undefined)
      .filter((issue) => state === "all" || issue.state === state)
      // GitHub filters by `owner:branch` and ignores a head without an owner.
      .filter(({ pull }) => headRef === undefined || (headOwner === owner && pull.headRef === headRef))
      .filter(({ pull }) => !base || pull.baseRef === base)
      .sort((a, b) => sign * (at(a) - at(b) || a.number - b.number))
  );
}

function renderFile(hub: Hub, repository: Repository, { pull }: PullIssue, file: ChangedFile) {
  const path = file.filename.split("/").map(encodeURIComponent).join("/");
  const html = htmlUrl(hub, repository);
  return {
    sha: file.sha, filename: file.filename, status: file.status,
    additions: file.additions, deletions: file.deletions, changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${pull.headSha}/${path}`, raw_url: `${html}/raw/${pull.headSha}/${path}`,
    contents_url: `${repositoryUrl(hub, repository)}/contents/${path}?ref=${pull.headSha}`,
    ...(file.patch === null ? {} : { patch: file.patch }),
  }; // prettier-ignore
}
