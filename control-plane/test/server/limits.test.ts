import { createHmac } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { forgetTurns, takeTurn } from "../../src/platform/take-turn.ts";
import { kinds, openTestDatabase } from "../support/open-test-database.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { seedKey } from "../support/seed.ts";

describe.each(kinds)("case 35: one who asks too often, on %s", (kind) => {
  it("waits as long as Retry-After says, and others are served", async () => {
    await using platform = await openTestPlatform({ kind, env: { LIMIT_REQUESTS: "30" } });
    const { token } = await platform.person("owner");
    const other = await platform.person("owner");
    const me = (of: string) => platform.call("GET", "/v1/me", { token: of });
    const answers = await Promise.all(Array.from({ length: 50 }, () => me(token)));
    const refused = answers.filter(({ status }) => status === 429);
    // Two a second come back while the fifty are asked.
    expect(refused.length).toBeGreaterThanOrEqual(15);
    expect(answers.filter(({ status }) => status === 200).length).toBe(50 - refused.length);
    expect(refused[0]?.body).toMatchObject({ code: "rate_limited", next: expect.any(String) });
    const waits = refused.map(({ headers }) => Number(headers.get("retry-after")));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1);
    expect((await me(other.token)).status).toBe(200);
    const start = performance.now();
    const latest = (await me(token)).headers.get("retry-after");
    const asTold = async () => performance.now() - start >= Number(latest ?? 0) * 1_000;
    await expect.poll(asTold, { timeout: 10_000 }).toBe(true);
    expect((await me(token)).status).toBe(200);
  });

  it("is an address whose keys are wrong; a right key from there is served", async () => {
    await using platform = await openTestPlatform({ kind, env: { LIMIT_STRANGERS: "20" } });
    const { token } = await platform.person("owner");
    const guess = () => platform.call("GET", "/v1/me", { token: `fcu_${"x".repeat(40)}` });
    const statuses = [];
    for (let guesses = 0; guesses < 40; guesses += 1) statuses.push((await guess()).status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect((await platform.call("GET", "/v1/me", { token })).status).toBe(200);
    expect((await platform.call("GET", "/api/healthz")).status).toBe(200);
  });

  it("is a project whose GitHub floods it; what is not signed takes nothing of its turns", async () => {
    await using platform = await openTestPlatform({ kind, env: { LIMIT_WEBHOOKS: "10" } });
    const { token, workspaceId } = await platform.person("owner");
    const project = async (repo: string) => {
      const body = { workspaceId: idOf("ws", workspaceId), name: repo, githubRepo: `acme/${repo}` };
      const made = await platform.call("POST", "/v1/projects", { token, body });
      return made.body as { project: { id: string }; webhook: { secret: string } };
    };
    const [busy, quiet] = [await project("busy"), await project("quiet")];
    const deliver = (to: typeof busy, guid: string, secret = to.webhook.secret) => {
      const body = JSON.stringify({ zen: guid });
      const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
      const headers = { "x-github-event": "ping", "x-github-delivery": guid, "x-hub-signature-256": signature, "content-type": "application/json" }; // prettier-ignore
      return platform.app.request(`/api/webhook/${to.project.id}`, { method: "POST", headers, body });
    };
    const statuses = async (to: typeof busy, name: string, secret?: string) => {
      const all = [];
      for (let count = 0; count < 20; count += 1) all.push((await deliver(to, `${name}-${count}`, secret)).status);
      return new Set(all);
    };
    expect(await statuses(busy, "foreign", "somebody else's")).toEqual(new Set([401]));
    expect(await statuses(busy, "signed")).toEqual(new Set([200, 429]));
    expect((await deliver(quiet, "first")).status).toBe(200);
  });

  it("is counted once for all replicas, and forgotten when it is empty again", async () => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    const turn = () => takeTurn(db, "somebody", 5).then(() => true, () => false); // prettier-ignore
    const served = await Promise.all(Array.from({ length: 12 }, turn));
    expect(served.filter(Boolean)).toHaveLength(5);
    await asSystem(db, forgetTurns);
    expect(await turn()).toBe(false);
  });
});

it("counts what a worker does under its leases for each job by itself", async () => {
  await using platform = await openTestPlatform({ env: { LIMIT_REQUESTS: "5" } });
  const { workspaceId } = await platform.person("owner");
  const { key } = await seedKey(platform.deps.db, { workspaceId, kind: "worker" });
  const renew = (job: string) =>
    platform.call("POST", `/v1/jobs/${idOf("job", job)}/renew`, { token: key, body: { waitS: 0 } });
  const jobs = [platform.deps.newId(), platform.deps.newId()];
  for (const job of jobs) {
    const answers = [];
    for (let count = 0; count < 7; count += 1) answers.push((await renew(job)).status);
    expect(answers).toEqual([404, 404, 404, 404, 404, 429, 429]);
  }
});
