import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import * as z from "zod";
import { type AppContext, type AppEnvironment, bodyOf, page } from "../context.ts";
import { deliveryFor, type HookCalls } from "../hook-routes.ts";
import { findRepository } from "../find.ts";
import type { Hub, Level, Permissions, Repository } from "../hub.ts";
import { notFound, refusal } from "../refuse.ts";
import { renderDelivery, renderDeliveryItem } from "../render-hook.ts";
import { renderRepository } from "../render-repository.ts";
import { userOf } from "../find.ts";
import { covers, type GithubApp, type Installation, installationOf } from "./app-state.ts";
import { suspend, uninstall, unsuspend } from "./change-installation.ts";
import { renderApp, renderInstallation } from "./render-app.ts";

const hourMs = 3_600_000;
const tokenRequest = z.looseObject({
  repository_ids: z.array(z.int()).max(500).optional(),
  repositories: z.array(z.string()).max(500).optional(),
  permissions: z.record(z.string(), z.enum(["read", "write", "admin"])).optional(),
});

/** What an app asks as itself, proven by a token that it signed. */
export function appRoutes(hub: Hub, calls: HookCalls, app: Hono<AppEnvironment>): void {
  const one = "/app/installations/:installation{[0-9]+}";
  app.get("/app", (c) => c.json(renderApp(hub, callerApp(c))));
  app.get("/app/installations", (c) => {
    const caller = callerApp(c);
    return c.json(page(c, [...caller.installations.values()]).map((its) => renderInstallation(hub, caller, its)));
  });
  app.get(one, (c) => c.json(renderInstallation(hub, callerApp(c), installationFor(c))));
  app.post(`${one}/access_tokens`, (c) => mintToken(hub, c));
  app.delete(one, (c) => {
    uninstall(hub, callerApp(c), changeOf(c));
    return c.body(null, 204);
  });
  app.put(`${one}/suspended`, (c) => {
    suspend(hub, callerApp(c), changeOf(c));
    return c.body(null, 204);
  });
  app.delete(`${one}/suspended`, (c) => {
    unsuspend(hub, callerApp(c), changeOf(c));
    return c.body(null, 204);
  });
  app.get("/repos/:owner/:repo/installation", (c) => {
    const caller = callerApp(c);
    const { owner, repo } = c.req.param();
    const found = findRepository(hub, `${owner}/${repo}`);
    const installation = found && installationOf(caller, found.repository);
    if (!installation) throw notFound();
    if (found.isMoved) throw refusal(301, "Moved Permanently");
    return c.json(renderInstallation(hub, caller, installation));
  });
  hookRoutes(calls, app);
}

function hookRoutes(calls: HookCalls, app: Hono<AppEnvironment>): void {
  app.get("/app/hook/config", (c) => {
    const { hook } = callerApp(c);
    return c.json({ content_type: hook.contentType, insecure_ssl: "0", secret: "********", url: hook.url });
  });
  app.get("/app/hook/deliveries", (c) => c.json(page(c, callerApp(c).hook.deliveries).map(renderDeliveryItem)));
  app.get("/app/hook/deliveries/:id{[0-9]+}", (c) => {
    const { hook } = callerApp(c);
    return c.json(renderDelivery(hook, deliveryFor(hook, c)));
  });
  app.post("/app/hook/deliveries/:id{[0-9]+}/attempts", (c) => {
    const { hook } = callerApp(c);
    calls.redeliver(hook, deliveryFor(hook, c));
    return c.json({}, 202);
  });
}

/** @throws 401 for everybody who is no app. */
function callerApp(c: AppContext): GithubApp {
  const app = c.get("app");
  if (!app) throw refusal(401, "A JSON web token could not be decoded");
  return app;
}

function installationFor(c: AppContext): Installation {
  const installation = callerApp(c).installations.get(Number(c.req.param("installation")));
  if (!installation) throw notFound();
  return installation;
}

function changeOf(c: AppContext) {
  const installation = installationFor(c);
  return { installation, sender: installation.account };
}

/** A token of an hour, for at most what the installation has: fewer repositories and less rights, never more. */
async function mintToken(hub: Hub, c: AppContext): Promise<Response> {
  const app = callerApp(c);
  const installation = installationFor(c);
  if (installation.suspendedAt) throw refusal(403, "This installation has been suspended");
  const { repository_ids: ids, repositories: names, permissions: asked } = await bodyOf(c, tokenRequest);
  const permissions = narrowed(installation.permissions, asked);
  const chosen = [
    ...(ids ?? []).map((id) => hub.repositories.get(id)),
    ...(names ?? []).map((name) => findRepository(hub, `${installation.account.login}/${name}`)?.repository),
  ].map((repository) => within(installation, repository));
  const isNarrow = ids !== undefined || names !== undefined;
  const value = `ghs_${randomBytes(18).toString("hex")}`;
  const expiresAt = new Date(hub.now().getTime() + hourMs);
  hub.tokens.set(value, {
    kind: "installation", user: userOf(hub, `${app.slug}[bot]`, "Bot"), permissions, scopes: [], expiresAt, installation,
    repositoryIds: isNarrow ? new Set(chosen.map(({ id }) => id)) : null,
  }); // prettier-ignore
  return c.json(
    {
      token: value, expires_at: `${expiresAt.toISOString().slice(0, 19)}Z`, permissions: { metadata: "read", ...permissions },
      repository_selection: isNarrow ? "selected" : installation.selection,
      ...(isNarrow ? { repositories: chosen.map((repository) => renderRepository(hub, repository)) } : {}),
    },
    201,
  ); // prettier-ignore
}

function within(installation: Installation, repository: Repository | undefined): Repository {
  if (repository && covers(installation, repository)) return repository;
  throw refusal(
    422,
    "There is at least one repository that does not exist or is not accessible to the parent installation.",
  );
}

function narrowed(held: Permissions, asked: Record<string, string> | undefined): Permissions {
  if (!asked) return held;
  const entries = Object.entries(asked).filter(([name]) => name !== "metadata");
  const rank = { read: 1, write: 2 };
  for (const [name, level] of entries) {
    const has = held[name as keyof Permissions];
    if (!has || rank[level as Level] === undefined || rank[level as Level] > rank[has])
      throw refusal(422, "The permissions requested are not granted to this installation.");
  }
  return Object.fromEntries(entries) as Permissions;
}
