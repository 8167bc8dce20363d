import type { Healthz } from "@feedback-chat/protocol/healthz";
import { Problem } from "@feedback-chat/protocol/problem";
import { Hono } from "hono";
import type { AppDeps } from "./app-deps.ts";
import { routes as audit } from "./audit/routes.ts";
import { routes as checks } from "./checks/routes.ts";
import { routes as credentials } from "./credentials/routes.ts";
import { routes as debug } from "./debug/routes.ts";
import { routes as device } from "./device/routes.ts";
import { routes as endpoints } from "./endpoints/routes.ts";
import { routes as exports } from "./exports/routes.ts";
import { routes as githubApp } from "./github-app/routes.ts";
import { routes as health } from "./health/routes.ts";
import { routes as invites } from "./invites/routes.ts";
import { routes as jobs } from "./jobs/routes.ts";
import { routes as keys } from "./keys/routes.ts";
import { metricsByToken, routes as metrics } from "./metrics/routes.ts";
import { describeRoutes } from "./openapi/describe-routes.ts";
import { gatherMsOf } from "./platform/ask-together.ts";
import { answerError, mountRoutes, problemResponse } from "./platform/mount-routes.ts";
import { knowSender } from "./platform/know-sender.ts";
import { refuseSecretsInAddress } from "./platform/refuse-secrets-in-address.ts";
import { type Route, route } from "./platform/route.ts";
import { securityHeaders } from "./platform/security-headers.ts";
import { serveFiles } from "./platform/serve-files.ts";
import { routes as operations } from "./operations/routes.ts";
import { routes as projects } from "./projects/routes.ts";
import { routes as reports } from "./reports/routes.ts";
import { withReporters } from "./reports/with-reporters.ts";
import { routes as runs } from "./runs/routes.ts";
import { makeAuthentication } from "./sessions/make-authentication.ts";
import { mountAuth } from "./sessions/mount-auth.ts";
import type { Sessions } from "./sessions/open-sessions.ts";
import { routes as sessions } from "./sessions/routes.ts";
import { routes as spend } from "./spend/routes.ts";
import { routes as webhooks } from "./webhooks/routes.ts";
import { routes as workers } from "./workers/routes.ts";
import { routes as workspaces } from "./workspaces/routes.ts";

export type ServerDeps = AppDeps & { sessions: Sessions; health: () => Promise<Healthz> };

/** The table of all routes: rights' tests are made from it. */
export const routes: Route<ServerDeps>[] = [
  ...health,
  ...sessions,
  ...device,
  ...workspaces,
  ...invites,
  ...projects,
  ...keys,
  ...credentials,
  ...endpoints,
  ...webhooks,
  ...githubApp,
  ...runs,
  ...reports,
  ...workers,
  ...jobs,
  ...spend,
  ...checks,
  ...exports,
  ...audit,
  ...operations,
  ...debug,
  ...metrics,
  route<object>()({
    method: "get", path: "/api/openapi.json", who: "anyone",
    handle: async ({ c }) => c.json(describeRoutes(routes)),
  }),
]; // prettier-ignore

type Input = {
  publicUrl: string;
  /** The built dashboard; a folder that does not exist serves a sentence. */
  dashboardFolder: string;
  /** Fires when the server is asked to stop. */
  stopping: AbortSignal;
};

/** Everything that this server answers, as one function from request to response. */
export function createApp(deps: ServerDeps, input: Input): Hono {
  const app = new Hono();
  const authentication = withReporters(deps, makeAuthentication(deps, input));
  const api = mountRoutes(
    { ...deps, authentication, features: deps, stopping: input.stopping, gatherMs: gatherMsOf(deps.config.figures) },
    routes,
  );
  const files = serveFiles(input.dashboardFolder);
  app.use(securityHeaders({ isSecure: input.publicUrl.startsWith("https:") }));
  app.use(refuseSecretsInAddress, knowSender(deps.config));
  app.get("/metrics", metricsByToken(deps));
  app.route("/", mountAuth(deps));
  app.route("/", api);
  app.notFound((c) => {
    const isPage = ["GET", "HEAD"].includes(c.req.method) && !/^\/(api|v1)(\/|$)/.test(c.req.path);
    return isPage ? files(c) : problemResponse(c, new Problem("not_found", "There is nothing at this address."));
  });
  app.onError((error, c) => answerError(deps, error, c));
  return app;
}
