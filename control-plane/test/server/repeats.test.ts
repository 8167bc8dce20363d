import { randomBytes } from "node:crypto";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { idOf } from "@feedback-chat/protocol/ids";
import { createProjectAnswer, projectPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import pg from "pg";
import { v7 as newId } from "uuid";
import { describe, expect, it } from "vitest";
import { routes } from "../../src/app.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { type Answer, call, owner } from "../support/call-server.ts";
import { createDatabase, kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";

const shop = { name: "Shop", githubRepo: "acme/shop" };
const headers = { "idempotency-key": "k" };

/** A server process that can be killed and started again on its database, and a hand in that database. */
async function openMortal() {
  const opened = new AsyncDisposableStack();
  const env = { DATABASE_URL: await createDatabase(), MASTER_KEY: randomBytes(32).toString("base64") };
  const hand = new pg.Client({ connectionString: env.DATABASE_URL });
  await hand.connect();
  opened.defer(() => hand.end());
  let server: ServerProcess;
  let url = "";
  const start = async () => {
    server = startServerProcess(env);
    url = String((await server.event("server.listening"))["url"]);
  };
  const kill = async () => {
    server.child.kill("SIGKILL");
    await server.ended;
  };
  opened.defer(kill);
  await start();
  const { code } = await server!.event("owner.code");
  const body = { ...owner, login: "ann", code, wantsCliToken: true };
  const made = await call({ url }, "POST", "/api/setup/owner", { body });
  const token = setupOwnerAnswer.parse(made.body).cliToken ?? "";
  const create = (): Promise<Answer> => call({ url }, "POST", "/v1/projects", { token, body: shop, headers });
  const projects = async () =>
    projectPage.parse((await call({ url }, "GET", "/v1/projects", { token })).body).items.map(({ id }) => id);
  return { hand, start, kill, create, projects, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const countOf = async (hand: pg.Client, what: string): Promise<number> =>
  Number((await hand.query<{ count: string }>(`select count(*) from ${what}`)).rows[0]?.count);

describe("case 33: a request that comes again after the server was killed", () => {
  it("does all of its work, when the first died between the work and its answer", async () => {
    await using mortal = await openMortal();
    const { hand } = mortal;
    await hand.query(`select pg_advisory_lock(33);
      create function public.hold() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(33); return new; end $$;
      create trigger hold before update on fc.idempotency_keys for each row when (new.status is not null) execute function public.hold()`);
    const first = mortal.create().catch((error: unknown) => error);
    await until(
      async () => (await countOf(hand, "pg_locks where locktype = 'advisory' and not granted")) === 1,
      10_000,
    );
    expect(await countOf(hand, "fc.projects")).toBe(0);
    await mortal.kill();
    expect(await first).toBeInstanceOf(Error);
    await hand.query("select pg_advisory_unlock(33)");
    // Waits for the dead one's connection to end: it holds the row. Then the claim is as old as a minute makes it.
    await hand.query("update fc.idempotency_keys set created_at = created_at - interval '2 minutes'");
    await hand.query("drop trigger hold on fc.idempotency_keys");
    expect(await countOf(hand, "fc.projects")).toBe(0);
    await mortal.start();
    const again = await mortal.create();
    expect(again).toMatchObject({ status: 201 });
    expect((await mortal.create()).text).toBe(again.text);
    expect(await mortal.projects()).toEqual([createProjectAnswer.parse(again.body).project.id]);
  }, 60_000);

  it("gets the answer of the first, which was lost on its way", async () => {
    await using mortal = await openMortal();
    const first = await mortal.create();
    await mortal.kill();
    await mortal.start();
    const again = await mortal.create();
    expect(again).toMatchObject({ status: 201, text: first.text });
    expect(await mortal.projects()).toHaveLength(1);
  }, 60_000);
});

/** A request to each route that keeps its answer for repeats, by one owner of one of everything. */
async function creatingRequests({ deps: { db } }: TestPlatform, workspaceId: string) {
  const projectId = await seedProject(db, { workspaceId });
  const { runId } = await seedRun(db, { projectId });
  const { keyId } = await seedKey(db, { kind: "worker", workspaceId });
  const [eventId, endpointId] = [newId(), newId()];
  await asSystem(db, async (tx) => {
    await sql`insert into fc.webhook_events (id, project_id, guid, event, body_sha256, status, body)
      values (${eventId}, ${projectId}, ${eventId}, 'push', '', 'handled', '{}')`.execute(tx);
    await sql`insert into fc.endpoints (id, project_id, url, secret) values (${endpointId}, ${projectId}, 'https://203.0.113.9', '')`.execute(
      tx,
    );
  });
  const named: Record<string, string> = {
    projectId: idOf("prj", projectId), workspaceId: idOf("ws", workspaceId), runId: idOf("run", runId),
    keyId: idOf("key", keyId), eventId: idOf("whe", eventId), endpointId: idOf("ep", endpointId),
  }; // prettier-ignore
  const bodies: Record<string, unknown> = {
    "/v1/cli-tokens": { machine: "m" },
    "/v1/projects": shop,
    "/v1/workspaces": { name: "Second" },
    "/v1/workspaces/:workspaceId/invites": { email: "eve@example.com", role: "viewer" },
    "/v1/workspaces/:workspaceId/members": { email: "bob@example.com", login: "bob", name: "Bob", role: "viewer", machine: "m", wantsCliToken: true },
    "/v1/workspaces/:workspaceId/worker-keys": { name: "w" },
    "/v1/keys/:keyId/rotate": {},
    "/v1/projects/:projectId/keys": { name: "k" },
    // Tried at GitHub first, which is away.
    "/v1/projects/:projectId/credentials": { type: "github_token", value: "ghp_0123456789abcdef" },
    "/v1/projects/:projectId/webhook-secret/rotate": { graceHours: 1 },
    "/v1/projects/:projectId/endpoints": { url: "https://203.0.113.9/hook" },
    "/v1/projects/:projectId/endpoints/:endpointId/rotate": { graceHours: 1 },
    "/v1/projects/:projectId/feedback": { clientId: "c", channel: "api", publicText: "The total is wrong." },
    "/api/runs/:projectId/:runId/action": { action: "cancel" },
    "/v1/webhook-events/:eventId/replay": undefined,
  }; // prettier-ignore
  return Object.entries(bodies).map(([route, body]) => ({
    route, body, path: route.replace(/:(\w+)/g, (_, name: string) => named[name] ?? ""), projectId,
  })); // prettier-ignore
}

describe.each(kinds)("a request that comes twice on the %s database", (kind) => {
  it("case 33: does its work once and gets one answer, on each route that creates", async () => {
    await using platform = await openTestPlatform({ kind, env: { OUTBOUND_ALLOW: "203.0.113.0/24" } });
    const { token, workspaceId } = await platform.person("owner");
    const requests = await creatingRequests(platform, workspaceId);
    expect(requests.map(({ route }) => route).toSorted()).toEqual(
      routes.filter(({ isCreating }) => isCreating).map(({ path }) => path).toSorted(),
    ); // prettier-ignore
    for (const { route, path, body, projectId } of requests) {
      const writer = { kind: "project" as const, workspaceId, projectId, scopes: ["feedback:write"] };
      const by = route.endsWith("/feedback") ? (await seedKey(platform.deps.db, writer)).key : token;
      const ask = () => platform.call("POST", path, { token: by, headers: { "idempotency-key": route }, body });
      const first = await ask();
      // A CLI token is made by a session alone: this one is refused both times, and nothing is kept.
      if (route !== "/v1/cli-tokens") expect([200, 201, 202], `${route}: ${first.text}`).toContain(first.status);
      const again = await ask();
      const seen = ({ status, body }: typeof first) => ({ route, status, told: { ...body, requestId: null } });
      expect(seen(again)).toEqual(seen(first));
    }
  }, 60_000);

  it("is undone, when a repeat took its place while it stood still", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    // Whoever stands still for a minute finds its claim gone: here it is taken away in the transaction of the work.
    await sql`create function public.take_over() returns trigger language plpgsql security definer as
      $$ begin update fc.idempotency_keys set created_at = created_at + interval '1 second'; return new; end $$`.execute(
      platform.deps.db,
    );
    await sql`create trigger take_over after insert on fc.projects execute function public.take_over()`.execute(
      platform.deps.db,
    );
    const create = () => platform.call("POST", "/v1/projects", { token, body: shop, headers });
    expect(await create()).toMatchObject({ status: 409, body: { code: "idempotency_in_progress" } });
    expect(projectPage.parse((await platform.call("GET", "/v1/projects", { token })).body).items).toEqual([]);
  });
});
