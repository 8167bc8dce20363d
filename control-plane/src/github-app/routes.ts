import { appWebhookAnswer, githubConnection } from "@feedback-chat/protocol/github-app";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { projectOf } from "../platform/caller.ts";
import { readBytes } from "../platform/mount-routes.ts";
import { route } from "../platform/route.ts";
import { senderAddress } from "../platform/sender-address.ts";
import { refuseForgers } from "../webhooks/refuse-forgers.ts";
import { browserSession } from "./browser-session.ts";
import { comeBackInstalled, comeBackWithCode } from "./come-back.ts";
import { connectPage } from "./connect-page.ts";
import { disconnectProject } from "./disconnect-project.ts";
import { manifestPage } from "./manifest-page.ts";
import { readConnection } from "./read-connection.ts";
import { receiveAppDelivery } from "./receive-app-delivery.ts";

const login = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/);
const word = z.string().min(1).max(200);

const maxDeliveryBytes = 3 * 1024 * 1024;

export const routes = [
  route<AppDeps>()({
    method: "post", path: "/api/github/webhook", who: "github",
    problems: ["bad_signature", "bad_payload", "payload_too_large", "rate_limited", "unavailable"],
    async handle({ deps, c }) {
      const header = (name: string) => c.req.header(name);
      // Forgers do not shut the App out: GitHub itself says whose App a delivery is of, and theirs count apart.
      const about = { appId: header("x-github-hook-installation-target-id") ?? null };
      const answer = await refuseForgers(deps, { address: senderAddress(c), about }, async () =>
        receiveAppDelivery(deps, { bytes: await readBytes(c, maxDeliveryBytes), header }),
      );
      return c.json(appWebhookAnswer.parse(answer));
    },
  }),
  route<AppDeps>()({
    method: "get", path: "/api/github/manifest", who: "operator", isPage: true, query: z.object({ organization: login.optional() }),
    handle: ({ deps, caller, query, c }) =>
      manifestPage(deps, { session: browserSession(caller, c.req.header("cookie")), organization: query.organization }),
  }),
  route<AppDeps>()({
    method: "get", path: "/api/github/connect/:projectId", who: "admin", of: { projectId: "project" }, isPage: true,
    problems: ["github_unreachable"],
    handle: ({ deps, caller, tenant, c }) =>
      connectPage(deps, { session: browserSession(caller, c.req.header("cookie")), projectId: projectOf(tenant) }),
  }),
  route<AppDeps>()({
    method: "get", path: "/api/github/setup", who: "user", isPage: true,
    query: z.object({ state: word.optional(), setup_action: word.optional() }),
    handle: ({ deps, caller, query, c }) =>
      comeBackInstalled(deps, { caller, cookies: c.req.header("cookie"), state: query.state, action: query.setup_action }),
  }),
  route<AppDeps>()({
    method: "get", path: "/api/github/callback", who: "user", isPage: true, query: z.object({ code: word, state: word }),
    problems: ["conflict", "github_access", "github_unreachable"],
    handle: ({ deps, caller, query, c }) => comeBackWithCode(deps, { caller, cookies: c.req.header("cookie"), ...query }),
  }),
  route<AppDeps>()({
    method: "get", path: "/v1/projects/:projectId/github", who: "viewer", of: { projectId: "project" }, answer: githubConnection,
    handle: ({ deps, tenant }) => readConnection(deps, projectOf(tenant)),
  }),
  route<AppDeps>()({
    method: "delete", path: "/v1/projects/:projectId/github", who: "admin", of: { projectId: "project" }, status: 204,
    handle: ({ deps, caller, tenant }) =>
      disconnectProject(deps, { caller, projectId: projectOf(tenant), workspaceId: tenant?.workspaceId ?? "" }),
  }),
]; // prettier-ignore
