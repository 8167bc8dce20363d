import type { Hono } from "hono";
import { canSee, hasRole, roleOf } from "./authorize.ts";
import { type AppContext, type AppEnvironment, page, repositoryFor } from "./context.ts";
import type { Hub, Role } from "./hub.ts";
import { documentation, notFound, refusal } from "./refuse.ts";
import { renderFullRepository } from "./render-repository.ts";
import { renderPublicUser, renderUser } from "./render-user.ts";
import { resolveCommit, tryGit } from "./run-git.ts";

const readMetadata = { permission: "metadata", level: "read" } as const;
const readContents = { permission: "contents", level: "read" } as const;

export function repositoryRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/rate_limit", (c) =>
    c.json({
      resources: { core: rate(hub), search: rate(hub), graphql: rate(hub) },
      rate: rate(hub),
    }),
  );
  app.get("/user", (c) => {
    const token = c.get("token");
    if (!token) throw refusal(401, "Requires authentication");
    if (token.kind === "installation") throw refusal(403, "Resource not accessible by integration");
    return c.json(renderPublicUser(hub, token.user));
  });
  app.get("/user/:id{[0-9]+}", (c) => {
    const user = [...hub.users.values()].find(({ id }) => id === Number(c.req.param("id")));
    if (!user) throw notFound();
    return c.json(renderPublicUser(hub, user));
  });
  app.get("/repositories/:id", (c) => {
    const repository = hub.repositories.get(Number(c.req.param("id")));
    if (!repository || !canSee(repository, c.get("token"))) throw notFound();
    return c.json(renderFullRepository(hub, repository, c.get("token")));
  });
  app.get("/repos/:owner/:repo", (c) =>
    c.json(renderFullRepository(hub, repositoryFor(hub, c, readMetadata), c.get("token"))),
  );
  app.get("/repos/:owner/:repo/collaborators/:login/permission", (c) => showPermission(hub, c));
  app.get("/repos/:owner/:repo/collaborators/:login", (c) => {
    const repository = repositoryFor(hub, c, {
      permission: "metadata",
      level: "read",
      role: "write",
    });
    if (!isCollaborator(repository.roles, repository.owner.login, c.req.param("login"))) throw notFound();
    return c.body(null, 204);
  });
  app.get("/repos/:owner/:repo/collaborators", (c) => {
    const repository = repositoryFor(hub, c, {
      permission: "metadata",
      level: "read",
      role: "write",
    });
    const logins = [repository.owner.login.toLowerCase(), ...repository.roles.keys()];
    const users = logins.map((login) => hub.users.get(login)!);
    return c.json(
      page(c, users).map((user) => ({
        ...renderUser(hub, user),
        role_name: roleOf(repository, user.login),
      })),
    );
  });
  app.get("/repos/:owner/:repo/contents/:path{.*}", (c) => showContents(hub, c));
}

function isCollaborator(roles: Map<string, Role>, owner: string, login: string): boolean {
  return roles.has(login.toLowerCase()) || owner.toLowerCase() === login.toLowerCase();
}

/** `permission` knows four words only: maintain reads "write" and triage "read", `role_name` says which. */
function showPermission(hub: Hub, c: AppContext): Response {
  const repository = repositoryFor(hub, c, {
    permission: "metadata",
    level: "read",
    role: "write",
  });
  const user = hub.users.get(c.req.param("login")!.toLowerCase());
  if (!user) throw notFound();
  const role = roleOf(repository, user.login);
  const permission = { maintain: "write", triage: "read" }[role as string] ?? role;
  const has = (wanted: Role) => hasRole(repository, user.login, wanted);
  const permissions = {
    pull: has("read"),
    triage: has("triage"),
    push: has("write"),
    maintain: has("maintain"),
    admin: has("admin"),
  };
  return c.json({
    permission,
    role_name: role,
    user: { ...renderUser(hub, user), permissions, role_name: role },
  });
}

async function showContents(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, readContents);
  const path = c.req.param("path") ?? "";
  const ref = c.req.query("ref") ?? repository.defaultBranch;
  const commit = await resolveCommit(hub, repository.gitDir, ref);
  if (!commit) throw refusal(404, `No commit found for the ref ${ref}`);
  const listed = await tryGit(hub, repository.gitDir, ["ls-tree", "-z", "-l", commit, "--", ...(path ? [path] : [])]);
  const [entry] = listed.stdout.split("\0").filter(Boolean);
  const [, type, sha, size, name] = /^\d+ (\w+) ([0-9a-f]{40})\s+(\S+)\t(.*)$/s.exec(entry ?? "") ?? [];
  if (type !== "blob" || name !== path) throw notFound();
  const { stdout } = await tryGit(hub, repository.gitDir, ["cat-file", "blob", sha!]);
  const url = `${c.req.url.split("?")[0]}?ref=${encodeURIComponent(ref)}`;
  const [gitUrl, html] = [
    `${hub.origin}/repos/${c.req.param("owner")}/${c.req.param("repo")}/git/blobs/${sha}`,
    `${hub.origin}/raw`,
  ];
  return c.json({
    type: "file", encoding: "base64", size: Number(size), name: path.split("/").at(-1), path, sha,
    content: Buffer.from(stdout, "utf8").toString("base64"), url, git_url: gitUrl, html_url: html, download_url: html,
    _links: { self: url, git: gitUrl, html },
  }); // prettier-ignore
}

/** Nothing is counted here: limits are switched on by hand. */
export function rate(hub: Hub) {
  const reset = Math.floor(hub.now().getTime() / 1000) + 3600;
  return { limit: 5000, remaining: 4999, used: 1, reset, resource: "core" };
}

export function rootAnswer(hub: Hub) {
  return { current_user_url: `${hub.origin}/user`, documentation_url: documentation };
}
