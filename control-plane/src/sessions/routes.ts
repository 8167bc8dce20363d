import {
  createCliTokenRequest,
  setupOwnerAnswer,
  setupOwnerRequest,
  setupState,
  signInWays,
  type SignInWays,
} from "@feedback-chat/protocol/account";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { createdKey, keyPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { listCliTokens, revokeCliToken } from "./list-cli-tokens.ts";
import { createCliToken } from "./create-cli-token.ts";
import type { Sessions } from "./open-sessions.ts";
import { setUpOwner } from "./set-up-owner.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config"> & { sessions: Sessions };

export const routes = [
  route<Deps>()({
    method: "get", path: "/api/setup", who: "anyone", answer: setupState,
    handle: ({ deps }) => needsOwner(deps),
  }),
  route<Deps>()({
    method: "get", path: "/api/auth/ways", who: "anyone", answer: signInWays,
    handle: async ({ deps }) => waysOf(deps),
  }),
  route<Deps>()({
    method: "post", path: "/api/setup/owner", who: "anyone",
    body: setupOwnerRequest, answer: setupOwnerAnswer, status: 201, problems: ["unauthenticated"],
    handle: ({ deps, body }) => setUpOwner(deps, body),
  }),
  route<Deps>()({
    method: "post", path: "/v1/cli-tokens", who: "user",
    body: createCliTokenRequest, answer: createdKey, status: 201, isCreating: true, hasSecrets: true, problems: ["forbidden"],
    handle: ({ deps, caller, body, c }) =>
      createCliToken(deps, { caller, machine: body.machine, hasSession: !c.req.header("authorization") }),
  }),
  route<Deps>()({
    method: "get", path: "/v1/cli-tokens", who: "user", query: pageQuery, answer: keyPage, problems: ["invalid_cursor"],
    handle: ({ deps, caller, query }) => listCliTokens(deps, caller, query),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/cli-tokens/:keyId", who: "user", params: z.object({ keyId: z.string() }), status: 204,
    handle: ({ deps, caller, params }) => revokeCliToken(deps, { caller, keyId: uuidOf("key", params.keyId) }),
  }),
]; // prettier-ignore

async function needsOwner({ db }: { db: Db }) {
  const { rows } = await asSystem(db, (tx) =>
    sql`select from fc.workspace_members where role = 'owner' limit 1`.execute(tx),
  );
  return { needsOwner: rows.length === 0 };
}

function waysOf({ config }: Pick<Deps, "config">): SignInWays {
  return {
    hasGithub: config.githubSignIn !== null,
    linkWentTo: config.smtpUrl === undefined ? "operator_log" : "mail",
  };
}
