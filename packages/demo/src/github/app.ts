import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { appRoutes } from "./apps/app-routes.ts";
import { appOfJwt, isJwt } from "./apps/check-jwt.ts";
import { installationRoutes } from "./apps/installation-routes.ts";
import { manifestRoutes } from "./apps/manifest-routes.ts";
import { pageRoutes } from "./apps/page-routes.ts";
import { authenticate } from "./authorize.ts";
import { checkRoutes } from "./check-routes.ts";
import { commentRoutes } from "./comment-routes.ts";
import type { AppEnvironment } from "./context.ts";
import { deploymentRoutes } from "./deployment-routes.ts";
import { gitRoutes } from "./git-routes.ts";
import { graphqlRoute } from "./graphql-route.ts";
import { type HookCalls, hookRoutes } from "./hook-routes.ts";
import type { Hub } from "./hub.ts";
import { issueRoutes } from "./issue-routes.ts";
import { labelRoutes } from "./label-routes.ts";
import { pullRoutes } from "./pull-routes.ts";
import { documentation } from "./refuse.ts";
import { rate, repositoryRoutes, rootAnswer } from "./repository-routes.ts";
import { isGitPath, serveGit } from "./serve-git.ts";

/** The whole double as one function from request to answer: REST, GraphQL and git under one origin. */
export function createApp(hub: Hub, calls: HookCalls): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.use(async (c, next) => {
    const header = c.req.header("authorization");
    const [, jwt = ""] = /^Bearer +(\S+)$/i.exec(header ?? "") ?? [];
    const app = isJwt(jwt) ? appOfJwt(hub, jwt) : null;
    const token = app ? null : authenticate(hub, header);
    c.set("app", app);
    c.set("token", token);
    await next();
    if (isGitPath(c.req.path)) return;
    const { limit, remaining, used, reset, resource } = rate(hub);
    const limits = { limit, remaining, used, reset, resource };
    for (const [name, value] of Object.entries(limits)) c.header(`x-ratelimit-${name}`, String(value));
    c.header("x-github-request-id", hub.newId().toString(16).toUpperCase());
    if (token?.kind === "classic") c.header("x-oauth-scopes", token.scopes.join(", "));
    if (token?.expiresAt) c.header("github-authentication-token-expiration", token.expiresAt.toISOString());
  });
  app.all("*", async (c, next) => (isGitPath(c.req.path) ? serveGit(hub, c.req.raw, c.get("token")) : next()));
  app.get("/", (c) => c.json(rootAnswer(hub)));
  repositoryRoutes(hub, app);
  issueRoutes(hub, app);
  commentRoutes(hub, app);
  labelRoutes(hub, app);
  pullRoutes(hub, app);
  deploymentRoutes(hub, app);
  checkRoutes(hub, app);
  gitRoutes(hub, app);
  hookRoutes(hub, calls, app);
  graphqlRoute(hub, app);
  appRoutes(hub, calls, app);
  installationRoutes(hub, app);
  manifestRoutes(hub, app);
  pageRoutes(hub, app);
  app.notFound((c) => c.json({ message: "Not Found", documentation_url: documentation, status: "404" }, 404));
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    throw error;
  });
  return app;
}
