import type { Hono } from "hono";
import { canSee, hasRole, secretIn } from "../authorize.ts";
import { type AppContext, type AppEnvironment, page } from "../context.ts";
import type { Hub, Repository, Token } from "../hub.ts";
import { notFound, refusal } from "../refuse.ts";
import { permissionsOf, renderRepository } from "../render-repository.ts";
import { type GithubApp, repositoriesOf } from "./app-state.ts";
import { renderInstallation } from "./render-app.ts";

/** What an installation's token, and a person's token of an app, see of it. */
export function installationRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/installation/repositories", (c) => {
    const token = c.get("token");
    if (!token) throw refusal(401, "Requires authentication");
    const { installation } = token;
    if (!installation)
      throw refusal(403, "You must authenticate with an installation access token in order to list repositories.");
    const all = repositoriesOf(hub.repositories.values(), installation);
    const mine = all.filter(({ id }) => token.repositoryIds === null || token.repositoryIds.has(id));
    return c.json({ repository_selection: installation.selection, ...listed(hub, c, mine, token) });
  });
  app.delete("/installation/token", (c) => {
    if (!c.get("token")?.installation) throw refusal(401, "Requires authentication");
    hub.tokens.delete(secretIn(c.req.header("authorization") ?? ""));
    return c.body(null, 204);
  });
  app.get("/user/installations", (c) => {
    const { app: its, token } = personOf(c);
    const seen = [...its.installations.values()].filter((one) => seenBy(hub, its, token, one.id).length > 0);
    return c.json({
      total_count: seen.length,
      installations: page(c, seen).map((one) => renderInstallation(hub, its, one)),
    });
  });
  app.get("/user/installations/:installation{[0-9]+}/repositories", (c) => {
    const { app: its, token } = personOf(c);
    const found = seenBy(hub, its, token, Number(c.req.param("installation")));
    if (found.length === 0) throw notFound();
    return c.json(listed(hub, c, found, token));
  });
}

function listed(hub: Hub, c: AppContext, repositories: Repository[], token: Token) {
  const shown = page(c, repositories).map((repository) => ({
    ...renderRepository(hub, repository),
    permissions: permissionsOf(repository, token),
  }));
  return { total_count: repositories.length, repositories: shown };
}

function personOf(c: AppContext): { app: GithubApp; token: Token } {
  const token = c.get("token");
  if (!token) throw refusal(401, "Requires authentication");
  if (!token.app)
    throw refusal(
      403,
      "You must authenticate with an access token authorized to a GitHub App in order to list installations",
    );
  return { app: token.app, token };
}

/** What both the person and the app see. */
function seenBy(hub: Hub, app: GithubApp, token: Token, id: number): Repository[] {
  const installation = app.installations.get(id);
  if (!installation) return [];
  return repositoriesOf(hub.repositories.values(), installation).filter(
    (repository) => canSee(repository, token) && hasRole(repository, token.user.login, "read"),
  );
}
