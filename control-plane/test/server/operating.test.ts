import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";

const beOperator = ({ deps }: TestPlatform, userId: string) =>
  asSystem(deps.db, (tx) => sql`update fc.users set is_operator = true where id = ${userId}`.execute(tx));

async function openWithRuns(kind: (typeof kinds)[number], env: Record<string, string> = {}) {
  const platform = await openTestPlatform({ kind, env });
  const me = await platform.person("owner");
  await beOperator(platform, me.userId);
  const projectId = await seedProject(platform.deps.db, { workspaceId: me.workspaceId });
  const { runId } = await seedRun(platform.deps.db, { projectId });
  await seedRun(platform.deps.db, { projectId, isParked: true });
  return { platform, ...me, projectId, runId };
}

describe.each(kinds)("operating, on %s", (kind) => {
  it("stops all agents of the instance and lets them go on, by its operator alone, and notes both", async () => {
    const { platform, token, workspaceId } = await openWithRuns(kind);
    await using _ = platform;
    const other = await platform.person("owner");
    expect((await platform.call("POST", "/v1/instance/pause", { token: other.token })).status).toBe(403);
    const { key } = await seedKey(platform.deps.db, { workspaceId, kind: "worker" });
    const worker = { name: "w", version: "0.1.0", capabilities: { engines: ["command"], sandbox: "bubblewrap", localCredentials: [] }, publicKey: Buffer.alloc(32, 7).toString("base64url"), concurrency: 1 }; // prettier-ignore
    const { workerId } = (await platform.call("POST", "/v1/workers", { token: key, body: worker })).body;
    const claim = (waitS: number) =>
      platform.call("POST", "/v1/jobs/claim", {
        token: key,
        body: { workerId, claimId: platform.deps.newId(), waitS },
      });
    for (let twice = 0; twice < 2; twice += 1)
      expect((await platform.call("POST", "/v1/instance/pause", { token })).body).toEqual({ isPaused: true });
    expect((await claim(0)).body).toMatchObject({ lease: null });
    const waiting = claim(20);
    const start = performance.now();
    expect((await platform.call("POST", "/v1/instance/resume", { token })).body).toEqual({ isPaused: false });
    expect((await waiting).body).toMatchObject({ lease: { attempt: 1 } });
    expect(performance.now() - start).toBeLessThan(10_000);
    const noted = await asSystem(platform.deps.db, (tx) =>
      sql<{ action: string }>`select action from fc.audit_logs where action like 'instance.%' order by id`.execute(tx),
    );
    expect(noted.rows.map(({ action }) => action)).toEqual(["instance.paused", "instance.resumed"]);
  });

  it("tells who did what by pages, to admins of that workspace", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token, workspaceId } = await platform.person("owner");
    const path = `/v1/workspaces/${idOf("ws", workspaceId)}/audit`;
    for (const name of ["a", "b", "c"]) {
      const body = { workspaceId: idOf("ws", workspaceId), name, githubRepo: `acme/${name}` };
      expect((await platform.call("POST", "/v1/projects", { token, body })).status).toBe(201);
    }
    const all: { id: string; action: string; actor: object }[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const { body } = await platform.call("GET", `${path}?limit=2${cursor ? `&cursor=${cursor}` : ""}`, {
        token,
      });
      all.push(...(body["items"] as typeof all));
      cursor = body["nextCursor"] as string | null;
    }
    expect(all.filter(({ action }) => action === "project.created")).toHaveLength(3);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all[0]?.actor).toMatchObject({ kind: "user", id: expect.stringMatching(/^usr_[0-9a-z]{26}$/) as string });
    expect((await platform.call("GET", `${path}?cursor=changed`, { token })).body).toMatchObject({
      code: "invalid_cursor",
    });
    const member = await platform.person("member", workspaceId);
    expect((await platform.call("GET", path, { token: member.token })).status).toBe(403);
  });

  it("tells how the queue is and what a project used, and its numbers to a scraper with a token of its own", async () => {
    const scraper = "scrape-0123456789abcdef";
    const { platform, token, workspaceId, projectId, runId } = await openWithRuns(kind, { METRICS_TOKEN: scraper });
    await using _ = platform;
    await asSystem(platform.deps.db, (tx) =>
      sql`insert into fc.spend_reservations (id, request_id, run_id, project_id, reserved_micro_usd, settled_micro_usd, input_tokens, output_tokens, settled_at) values
        (${platform.deps.newId()}, ${platform.deps.newId()}, ${runId}, ${projectId}, 9000, 4000, 100, 20, now()),
        (${platform.deps.newId()}, ${platform.deps.newId()}, ${runId}, ${projectId}, 1000, null, 0, 0, null)`.execute(
        tx,
      ),
    );
    const queue = await platform.call("GET", `/v1/workspaces/${idOf("ws", workspaceId)}/operations`, { token });
    expect(queue.body).toMatchObject({ waiting: 1, parked: 1, processing: 0, failedLastHour: 0, workersOnline: 0 });
    expect(queue.body["oldestWaitingSeconds"]).toBeGreaterThanOrEqual(0);
    const used = await platform.call("GET", `/v1/projects/${idOf("prj", projectId)}/usage`, { token });
    const today = new Date().toISOString().slice(0, 10);
    expect(used.body).toEqual({ days: [{ date: today, runs: 2, tokens: 120, costMicroUsd: 5000 }] });
    const none = await platform.call(
      "GET",
      `/v1/projects/${idOf("prj", projectId)}/usage?from=2020-01-01&to=2020-01-31`,
      { token },
    );
    expect(none.body).toEqual({ days: [] });

    const scraped = await platform.call("GET", "/metrics", { token: scraper });
    expect(scraped.headers.get("content-type")).toContain("text/plain");
    expect(scraped.text).toMatch(/^feedback_chat_jobs\{state="waiting"\} 1$/m);
    expect(scraped.text).toMatch(/^feedback_chat_spent_micro_usd_last_hour 5000$/m);
    expect(scraped.text).toMatch(/^feedback_chat_run_events_last_hour\{event="admitted"\} 2$/m);
    expect((await platform.call("GET", "/metrics", { token })).text).toContain("feedback_chat_jobs");
    expect((await platform.call("GET", "/v1/me", { token: scraper })).status).toBe(401);
    expect((await platform.call("GET", "/metrics", { token: `${scraper}x` })).status).toBe(401);
    const viewer = await platform.person("viewer", workspaceId);
    expect((await platform.call("GET", "/metrics", { token: viewer.token })).status).toBe(403);
  });
});
