import { createHmac } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { sealAppSecret } from "../../src/github-app/app-secrets.ts";
import { hashKey } from "../../src/keys/mint-key.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { forgetTurns, takeTurn } from "../../src/platform/take-turn.ts";
import { kinds, openTestDatabase } from "../support/open-test-database.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";

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

  it("is a project whose GitHub floods it; what is not signed takes nothing of its turns, only of its sender's", async () => {
    await using platform = await openTestPlatform({ kind, env: { LIMIT_WEBHOOKS: "10", LIMIT_STRANGERS: "12" } });
    const { token, workspaceId } = await platform.person("owner");
    const project = async (repo: string) => {
      const body = { workspaceId: idOf("ws", workspaceId), name: repo, githubRepo: `acme/${repo}` };
      const made = await platform.call("POST", "/v1/projects", { token, body });
      return made.body as { project: { id: string }; webhook: { secret: string } };
    };
    const [busy, quiet] = [await project("busy"), await project("quiet")];
    let from = "203.0.113.1";
    const deliver = (to: typeof busy, guid: string, secret = to.webhook.secret, path = to.project.id) => {
      const body = JSON.stringify({ zen: guid });
      const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
      const headers = { "x-github-event": "ping", "x-github-delivery": guid, "x-hub-signature-256": signature, "content-type": "application/json" }; // prettier-ignore
      const incoming = { socket: { remoteAddress: from } };
      return platform.app.request(`/api/webhook/${path}`, { method: "POST", headers, body }, { incoming });
    };
    const statuses = async (to: typeof busy, name: string, secret?: string) => {
      const all = [];
      for (let count = 0; count < 20; count += 1) all.push((await deliver(to, `${name}-${count}`, secret)).status);
      return new Set(all);
    };
    expect(await statuses(busy, "foreign", "somebody else's")).toEqual(new Set([401, 429]));
    // Refused before it is read: even what is too large, and what is signed, for this project from this address.
    expect((await deliver(busy, "x".repeat(101))).status).toBe(429);
    // GitHub delivers everybody's from the same addresses: other projects are served, and this one from elsewhere.
    expect((await deliver(quiet, "same-address")).status).toBe(200);
    from = "203.0.113.2";
    expect(await statuses(busy, "signed")).toEqual(new Set([200, 429]));
    expect((await deliver(quiet, "first")).status).toBe(200);
    // Projects that are made up share one limit.
    const madeUp = [];
    for (let n = 0; n < 16; n += 1) {
      const unknown = idOf("prj", platform.deps.newId());
      madeUp.push((await deliver(quiet, `made-up-${n}`, undefined, n % 2 ? unknown : "nonsense")).status);
    }
    expect(madeUp.slice(0, 12)).toEqual(Array(12).fill(401));
    expect(madeUp.at(-1)).toBe(429);
    expect((await deliver(quiet, "second")).status).toBe(200);
  });

  it("is who forges the App's deliveries; the App's own are served, though GitHub sends both from one address", async () => {
    await using platform = await openTestPlatform({ kind, env: { LIMIT_STRANGERS: "12" } });
    const secret = "the App's own";
    const sealed = sealAppSecret(platform.deps, "4711", ["webhook_secret", secret]);
    const [key, client] = (["private_key", "client_secret"] as const).map((name) =>
      sealAppSecret(platform.deps, "4711", [name, "unused"]),
    );
    await asSystem(platform.deps.db, (tx) =>
      sql`insert into fc.github_app (app_id, slug, html_url, client_id, private_key, webhook_secret, client_secret)
        values (4711, 'ours', '', '', ${key}, ${sealed}, ${client})`.execute(tx),
    );
    const incoming = { socket: { remoteAddress: "203.0.113.1" } };
    const deliver = async (appId: string, signedWith: string) => {
      const body = JSON.stringify({ zen: appId });
      const signature = `sha256=${createHmac("sha256", signedWith).update(body).digest("hex")}`;
      const headers = { "x-github-event": "ping", "x-github-delivery": platform.deps.newId(), "x-hub-signature-256": signature, "content-type": "application/json", "x-github-hook-installation-target-id": appId }; // prettier-ignore
      return (await platform.app.request("/api/github/webhook", { method: "POST", headers, body }, { incoming }))
        .status;
    };
    const forged = [];
    for (let n = 0; n < 16; n += 1) forged.push(await deliver(`${n}`, "somebody else's App"));
    expect(forged.slice(0, 12)).toEqual(Array(12).fill(401));
    expect(forged.at(-1)).toBe(429);
    expect(await deliver("4711", secret)).toBe(200);
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

it("counts what a worker does under a lease that it holds for that job, and all else for its key", async () => {
  await using platform = await openTestPlatform({ env: { LIMIT_REQUESTS: "5" } });
  const { db, newId } = platform.deps;
  const { token, workspaceId } = await platform.person("owner");
  const { key } = await seedKey(db, { workspaceId, kind: "worker" });
  const workerId = newId();
  await asSystem(db, (tx) =>
    sql`insert into fc.workers (id, workspace_id, key_id, name, version, capabilities, public_key, concurrency)
      select ${workerId}, ${workspaceId}, id, 'w', '0.1.0', '{}', '', 2 from fc.api_keys where key_hash = ${hashKey(key)}`.execute(
      tx,
    ),
  );
  const renew = async (by: string, job: string, lease = `1.${newId()}`) => {
    const path = `/v1/jobs/${idOf("job", job)}/renew`;
    return (await platform.call("POST", path, { token: by, headers: { lease }, body: { waitS: 0 } })).status;
  };
  const times = async (count: number, ask: () => Promise<number>) => {
    const statuses: number[] = [];
    while (statuses.length < count) statuses.push(await ask());
    return statuses;
  };
  for (let n = 0; n < 2; n += 1) {
    const { jobId } = await seedRun(db, { projectId: await seedProject(db, { workspaceId }) });
    const leaseToken = newId();
    await asSystem(db, (tx) =>
      sql`update fc.job_queue set status = 'processing', attempt = 1, worker_id = ${workerId}, lease_token = ${leaseToken},
        lease_expires_at = now() + interval '1 minute' where id = ${jobId}`.execute(tx),
    );
    expect(await times(7, () => renew(key, jobId, `1.${leaseToken}`))).toEqual([200, 200, 200, 200, 200, 429, 429]);
    // Somebody else's key does not come into its bucket.
    if (n === 0) expect(await renew(token, jobId, `1.${leaseToken}`)).toBe(403);
  }
  const { rows: before } = await sql`select from fc.turns`.execute(db);
  expect(await times(7, () => renew(key, newId()))).toEqual([404, 404, 404, 404, 404, 429, 429]);
  expect(await times(6, () => renew(token, newId()))).toEqual([404, 404, 404, 404, 429, 429]);
  const { rows: after } = await sql`select from fc.turns`.execute(db);
  expect(after.length - before.length).toBeLessThanOrEqual(1);
});
