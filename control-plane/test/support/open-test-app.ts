import { randomBytes } from "node:crypto";
import { type Figures, figures } from "@feedback-chat/protocol/figures";
import type { Hono } from "hono";
import { v7 as newId } from "uuid";
import type { AppDeps } from "../../src/app-deps.ts";
import { parseConfig } from "../../src/config.ts";
import { routes as jobs } from "../../src/jobs/routes.ts";
import { verifyKey } from "../../src/keys/verify-key.ts";
import type { Authentication } from "../../src/platform/authenticate.ts";
import type { Db } from "../../src/platform/database.ts";
import { gatherMsOf } from "../../src/platform/ask-together.ts";
import { mountRoutes } from "../../src/platform/mount-routes.ts";
import { openStreams } from "../../src/platform/open-streams.ts";
import { openSealing } from "../../src/platform/open-sealing.ts";
import type { Route } from "../../src/platform/route.ts";
import { listenForSignals } from "../../src/platform/signals.ts";
import { routes as spend } from "../../src/spend/routes.ts";
import { routes as workers } from "../../src/workers/routes.ts";
import { noLimits } from "./no-limits.ts";
import { type Kind, openTestDatabase, quietLog, type TestDatabase } from "./open-test-database.ts";

/** One master key for all: the first of a shared database must open for the second. */
const masterKey = randomBytes(32).toString("base64");

export const workerRoutes: Route<AppDeps>[] = [...jobs, ...spend, ...workers];

export type TestApp = AsyncDisposable & {
  app: Hono;
  deps: AppDeps;
  db: Db;
  url: string | undefined;
};
type Options = {
  kind?: Kind;
  /** Shared by the tests of a file, and closed by it; else the app has one of its own. */
  on?: TestDatabase;
  figures?: Partial<Figures>;
  routes?: Route<AppDeps>[];
  /** A local GitHub; without one nobody answers there. */
  githubApiUrl?: string;
};

/** The routes of some features over a database of their own: requests go in as they come from the wire. */
export async function openTestApp({
  kind = "server",
  on,
  figures: own = {},
  routes = workerRoutes,
  githubApiUrl = "http://127.0.0.1:9",
}: Options = {}): Promise<TestApp> {
  const database = on ?? (await openTestDatabase(kind));
  const { db } = database;
  const config = {
    ...parseConfig({
      MASTER_KEY: masterKey,
      ...noLimits,
      GITHUB_API_URL: githubApiUrl,
    }),
    figures: { ...figures, ...own },
  };
  const { sealing } = await openSealing({ db }, config);
  const signals = await listenForSignals(database);
  const deps: AppDeps = {
    config,
    database,
    db,
    signals,
    streams: openStreams(),
    sealing,
    vault: { unreadable: [] },
    handed: new Set(),
    log: quietLog,
    now: () => new Date(),
    newId: () => newId(),
  };
  const app = mountRoutes(
    {
      db,
      log: quietLog,
      authentication: byKey(db),
      features: deps,
      stopping: new AbortController().signal,
      gatherMs: gatherMsOf(config.figures),
    },
    routes,
  );
  const close = async () => (on ? undefined : database.close());
  return { app, deps, db, url: database.url, [Symbol.asyncDispose]: close };
}

/** Keys only: sessions have their own tests. */
function byKey(db: Db): Authentication {
  return {
    async callerOf(request, { names }) {
      const bearer = request.headers.get("authorization");
      return bearer
        ? verifyKey({ db }, bearer.replace(/^Bearer /, ""), { turn: null, names })
        : { caller: { kind: "anyone" } };
    },
  };
}
