import type { HandedToken } from "../../src/credentials/revoke-handed.ts";
import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { v7 as newId } from "uuid";
import { createApp, type ServerDeps } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createKey } from "../../src/keys/create-key.ts";
import { makeHealth } from "../../src/health/make-health.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import type { Role } from "../../src/platform/caller.ts";
import type { Log } from "../../src/platform/log.ts";
import { openStreams } from "../../src/platform/open-streams.ts";
import { openSealing } from "../../src/platform/open-sealing.ts";
import { listenForSignals } from "../../src/platform/signals.ts";
import { migrateSessions, openSessions } from "../../src/sessions/open-sessions.ts";
import { noLimits } from "./no-limits.ts";
import { type Kind, openTestDatabase, quietLog } from "./open-test-database.ts";
import { seedUser, seedWorkspace } from "./seed.ts";

export type Answer = {
  status: number;
  text: string;
  headers: Headers;
  body: Record<string, unknown>;
};
type Call = {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  /** Where the connection comes from. */
  from?: string;
};

export type TestPlatform = AsyncDisposable & {
  app: Hono;
  deps: ServerDeps;
  databaseUrl: string | undefined;
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** A person with that role in that workspace (a new one if none is named), and a CLI token of theirs. */
  person(role: Role, workspaceId?: string): Promise<{ token: string; workspaceId: string; userId: string }>;
};

type Options = { kind?: Kind; env?: Record<string, string>; publicUrl?: string; log?: Log };

/** The whole app, without a socket and without background work, over a database of its own. */
export async function openTestPlatform({
  kind = "server",
  env = {},
  publicUrl = "http://localhost",
  log = quietLog,
}: Options = {}): Promise<TestPlatform> {
  const database = await openTestDatabase(kind);
  const { db } = database;
  await migrateSessions({ database, log: quietLog });
  const key = randomBytes(32).toString("base64");
  const config = {
    ...parseConfig({
      MASTER_KEY: key,
      GITHUB_API_URL: "http://127.0.0.1:9",
      ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
      ...noLimits,
      ...env,
    }),
    publicUrl,
  };
  const { sealing, sessionSecret } = await openSealing({ db }, config);
  const core = {
    config, database, db, sealing, signals: await listenForSignals(database), streams: openStreams(), log, vault: { unreadable: [] }, handed: new Set<HandedToken>(), now: () => new Date(), newId: () => newId(),
  }; // prettier-ignore
  const sessions = openSessions(core, { secret: sessionSecret, publicUrl });
  const deps: ServerDeps = { ...core, sessions, health: makeHealth({ ...core, monotonicMs: () => performance.now() }) };
  const stopping = new AbortController();
  const app = createApp(deps, {
    publicUrl,
    dashboardFolder: "/nowhere",
    stopping: stopping.signal,
  });
  return {
    app,
    deps,
    databaseUrl: database.url,
    async call(method, path, { token, body, headers, from } = {}) {
      const request = {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
      const socket = { remoteAddress: from ?? "0.0.0.0" };
      const response = await app.request(`${publicUrl}${path}`, request, { incoming: { socket } });
      const text = await response.text();
      const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
      return {
        status: response.status,
        text,
        headers: response.headers,
        body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
      };
    },
    async person(role, workspaceId) {
      const workspace = workspaceId ?? (await seedWorkspace(db));
      const login = `${role}-${newId().slice(-6)}`;
      const userId = await seedUser(db, { login, workspaceId: workspace, role });
      const actor = { kind: "user" as const, id: userId, login };
      const { key: token } = await asSystem(db, (tx) =>
        createKey(tx, deps, { kind: "user", userId, name: "test", actor }),
      );
      return { token, workspaceId: workspace, userId };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await database.close();
    },
  };
}
