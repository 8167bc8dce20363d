import {
  createCliTokenRequest,
  setupOwnerAnswer,
  setupOwnerRequest,
  setupState,
} from "@feedback-chat/protocol/account";
import { createdKey } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { route } from "../platform/route.ts";
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
    method: "post", path: "/api/setup/owner", who: "anyone",
    body: setupOwnerRequest, answer: setupOwnerAnswer, status: 201, problems: ["unauthenticated"],
    handle: ({ deps, body }) => setUpOwner(deps, body),
  }),
  route<Deps>()({
    method: "post", path: "/v1/cli-tokens", who: "user",
    body: createCliTokenRequest, answer: createdKey, status: 201, problems: ["forbidden"],
    handle: ({ deps, caller, body, c }) =>
      createCliToken(deps, { caller, machine: body.machine, hasSession: !c.req.header("authorization") }),
  }),
]; // prettier-ignore

async function needsOwner({ db }: { db: Db }) {
  const { rows } = await asSystem(db, (tx) =>
    sql`select from fc.workspace_members where role = 'owner' limit 1`.execute(tx),
  );
  return { needsOwner: rows.length === 0 };
}
