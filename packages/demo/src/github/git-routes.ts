import type { Hono } from "hono";
import * as z from "zod";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, page, repositoryFor } from "./context.ts";
import type { Hub, Repository } from "./hub.ts";
import { nodeId } from "./wire-values.ts";
import { notFound, refusal } from "./refuse.ts";
import { htmlUrl, repositoryUrl } from "./render-repository.ts";
import { git, resolveCommit, tryGit } from "./run-git.ts";
import { fullNameOf } from "./find.ts";
import { syncRefs } from "./sync-refs.ts";

const readContents = { permission: "contents", level: "read" } as const;
const writeContents = { permission: "contents", level: "write", role: "write" } as const;
const newRef = z.looseObject({ ref: z.string(), sha: z.string() });
const movedRef = z.looseObject({ sha: z.string(), force: z.boolean().default(false) });

export function gitRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/repos/:owner/:repo/git/ref/:ref{.+}", (c) => {
    const repository = repositoryFor(hub, c, readContents);
    return c.json(renderRef(hub, repository, `refs/${c.req.param("ref")}`));
  });
  app.get("/repos/:owner/:repo/git/matching-refs/:ref{.+}", (c) => {
    const repository = repositoryFor(hub, c, readContents);
    const names = [...repository.refs.keys()].filter((name) => name.startsWith(`refs/${c.req.param("ref")}`));
    return c.json(page(c, names).map((name) => renderRef(hub, repository, name)));
  });
  app.get("/repos/:owner/:repo/rules/branches/:branch{.+}", (c) => {
    const repository = repositoryFor(hub, c, { permission: "metadata", level: "read" });
    const rules = repository.rules.filter(({ branches }) => c.req.param("branch").startsWith(branches));
    const source = { ruleset_source_type: "Repository", ruleset_source: fullNameOf(repository), ruleset_id: 1 };
    return c.json(page(c, rules).map(({ rule }) => ({ ...rule, ...source })));
  });
  app.post("/repos/:owner/:repo/git/refs", (c) => createRef(hub, c));
  app.patch("/repos/:owner/:repo/git/refs/:ref{.+}", (c) => moveRef(hub, c));
  app.delete("/repos/:owner/:repo/git/refs/:ref{.+}", (c) => deleteRef(hub, c));
  app.get("/repos/:owner/:repo/branches/:branch{.+}", async (c) => {
    const repository = repositoryFor(hub, c, readContents);
    const name = c.req.param("branch");
    const sha = repository.refs.get(`refs/heads/${name}`);
    if (!sha) throw refusal(404, "Branch not found");
    const isProtected = repository.protectedBranches.has(name);
    const url = `${repositoryUrl(hub, repository)}/branches/${name}`;
    const links = { self: url, html: `${htmlUrl(hub, repository)}/tree/${name}` };
    const protection = {
      enabled: isProtected,
      required_status_checks: { contexts: [], checks: [] },
    };
    const commit = await renderCommit(hub, repository, sha);
    return c.json({
      name,
      commit,
      _links: links,
      protected: isProtected,
      protection,
      protection_url: `${url}/protection`,
    });
  });
  app.get("/repos/:owner/:repo/compare/:basehead{.+}", (c) => compareCommits(hub, c));
  app.get("/repos/:owner/:repo/commits/:ref{.+}", async (c) => {
    const repository = repositoryFor(hub, c, readContents);
    const sha = await resolveCommit(hub, repository.gitDir, c.req.param("ref"));
    if (!sha) throw refusal(422, `No commit found for SHA: ${c.req.param("ref")}`);
    return c.json(await renderCommit(hub, repository, sha));
  });
}

async function compareCommits(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, readContents);
  const names = c.req.param("basehead")!.split("...");
  const [base, head] = await Promise.all(names.map((name) => resolveCommit(hub, repository.gitDir, name)));
  if (!base || !head || names.length !== 2) throw notFound();
  const counts = await git(hub, repository.gitDir, ["rev-list", "--left-right", "--count", `${base}...${head}`]);
  const [behind = 0, ahead = 0] = counts.trim().split("\t").map(Number);
  const mergeBase = (await git(hub, repository.gitDir, ["merge-base", base, head])).trim();
  const shas = await git(hub, repository.gitDir, ["rev-list", "--reverse", `${base}..${head}`]);
  const listed = page(c, shas.split("\n").filter(Boolean));
  const url = `${repositoryUrl(hub, repository)}/compare/${names.join("...")}`;
  const html = `${htmlUrl(hub, repository)}/compare/${names.join("...")}`;
  return c.json({
    url, html_url: html, permalink_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`,
    base_commit: await renderCommit(hub, repository, base),
    merge_base_commit: await renderCommit(hub, repository, mergeBase),
    status: behind > 0 && ahead > 0 ? "diverged" : behind > 0 ? "behind" : ahead > 0 ? "ahead" : "identical",
    ahead_by: ahead, behind_by: behind, total_commits: ahead,
    commits: await Promise.all(listed.map((sha) => renderCommit(hub, repository, sha))),
  }); // prettier-ignore
}

async function createRef(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, writeContents);
  const { ref, sha } = await bodyOf(c, newRef);
  if (!/^refs\/(heads|tags)\/./.test(ref)) throw refusal(422, "Reference name must start with 'refs/'.");
  if (repository.refs.has(ref)) throw refusal(422, "Reference already exists");
  if (!(await resolveCommit(hub, repository.gitDir, sha))) throw refusal(422, "Object does not exist");
  const { code } = await tryGit(hub, repository.gitDir, ["update-ref", ref, sha, "0".repeat(40)]);
  if (code !== 0) throw refusal(422, "Reference update failed");
  await syncRefs(hub, repository, callerOf(hub, c));
  return c.json(renderRef(hub, repository, ref), 201);
}

async function moveRef(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, writeContents);
  const ref = `refs/${c.req.param("ref")}`;
  const { sha, force } = await bodyOf(c, movedRef);
  const before = repository.refs.get(ref);
  if (!before) throw refusal(422, "Reference does not exist");
  if (!(await resolveCommit(hub, repository.gitDir, sha))) throw refusal(422, "Object does not exist");
  const { code } = await tryGit(hub, repository.gitDir, ["merge-base", "--is-ancestor", before, sha]);
  if (code !== 0 && !force) throw refusal(422, "Update is not a fast forward");
  await git(hub, repository.gitDir, ["update-ref", ref, sha, before]);
  await syncRefs(hub, repository, callerOf(hub, c));
  return c.json(renderRef(hub, repository, ref));
}

async function deleteRef(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, writeContents);
  const ref = `refs/${c.req.param("ref")}`;
  if (!repository.refs.has(ref)) throw refusal(422, "Reference does not exist");
  if (ref === `refs/heads/${repository.defaultBranch}`) throw refusal(422, "Cannot delete the default branch");
  await git(hub, repository.gitDir, ["update-ref", "-d", ref]);
  await syncRefs(hub, repository, callerOf(hub, c));
  return c.body(null, 204);
}

function renderRef(hub: Hub, repository: Repository, ref: string) {
  const sha = repository.refs.get(ref);
  if (!sha) throw notFound();
  const api = repositoryUrl(hub, repository);
  const object = { type: "commit", sha, url: `${api}/git/commits/${sha}` };
  return { ref, node_id: nodeId(`REF${ref}`, repository.id), url: `${api}/git/${ref}`, object };
}

async function renderCommit(hub: Hub, repository: Repository, sha: string) {
  const format = "--format=%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B";
  const text = await git(hub, repository.gitDir, ["log", "-1", format, sha, "--"]);
  const [tree = "", parents = "", an, ae, ad, cn, ce, cd, message = ""] = text.split("\x1f");
  const api = repositoryUrl(hub, repository);
  const html = htmlUrl(hub, repository);
  const link = (id: string) => ({
    sha: id,
    url: `${api}/commits/${id}`,
    html_url: `${html}/commit/${id}`,
  });
  return {
    ...link(sha),
    node_id: nodeId(`C${sha}`, repository.id),
    comments_url: `${api}/commits/${sha}/comments`,
    commit: {
      url: `${api}/git/commits/${sha}`,
      author: { name: an, email: ae, date: ad },
      committer: { name: cn, email: ce, date: cd },
      message: message.trimEnd(),
      tree: { sha: tree, url: `${api}/git/trees/${tree}` },
      comment_count: 0,
      verification: {
        verified: false,
        reason: "unsigned",
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    author: null,
    committer: null,
    parents: parents.split(" ").filter(Boolean).map(link),
  };
}
