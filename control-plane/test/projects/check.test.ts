import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub } from "@feedback-chat/demo/github-server";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedRun } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";

type Found = Record<
  "webhook" | "labels" | "branches" | "credentials" | "workers",
  { ok: boolean; detail: string; next: string | null }
>;

it("case 3: tells what a project lacks, each with its next step, until a ping, labels, credentials and a worker are there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fc-check-"));
  await using github = await openGithub(folder);
  await using platform = await openTestPlatform({ env: { GITHUB_API_URL: github.url } });
  const { token, workspaceId } = await platform.person("admin");
  const wanted = { workspaceId: idOf("ws", workspaceId), name: "shop", githubRepo: "acme/shop" };
  const made = (await platform.call("POST", "/v1/projects", { token, body: wanted })).body as {
    project: { id: string };
    apiKey: string;
    webhook: { secret: string };
  };
  const path = `/v1/projects/${made.project.id}`;
  const check = async (by = token) => (await platform.call("GET", `${path}/check`, { token: by })).body as Found;
  const bad = await check();
  for (const [name, finding] of Object.entries(bad)) {
    expect({ name, ok: finding.ok }).toEqual({ name, ok: false });
    expect(finding.next?.length).toBeGreaterThan(10);
  }
  expect(Object.keys(bad)).toEqual(["webhook", "labels", "branches", "credentials", "workers"]);
  expect(bad.credentials.detail).toMatch(/github_token, anthropic_api_key/);
  // The default key of the app's server may look too.
  expect(await check(made.apiKey)).toEqual(bad);

  const set = async (type: string, value: string) =>
    expect((await platform.call("POST", `${path}/credentials`, { token, body: { type, value } })).status).toBe(201);
  await set("github_token", github.token);
  const labels = (await check()).labels;
  expect(labels).toMatchObject({ ok: false, detail: expect.stringContaining("auto-implement and feedback-bot") as string }); // prettier-ignore
  expect((await check()).branches).toMatchObject({ ok: true, next: null });
  await github.makeBranch("feedback");
  expect((await check()).branches).toMatchObject({ ok: true, next: expect.stringContaining("Delete or rename feedback") as string }); // prettier-ignore
  github.signCommits("feedback/");
  expect((await check()).branches).toMatchObject({ ok: false, detail: expect.stringContaining("signed") as string });
  const settings = { branchPrefix: "bots" };
  expect((await platform.call("PATCH", path, { token, body: { settings } })).status).toBe(200);
  expect((await check()).branches).toMatchObject({ ok: true, detail: expect.stringContaining("bots/issue-") as string, next: null }); // prettier-ignore
  for (const branchPrefix of ["a/../b", "-x", "x.lock/y", "refs/heads", "a b", ""])
    expect((await platform.call("PATCH", path, { token, body: { settings: { branchPrefix } } })).status).toBe(422);
  for (const name of ["auto-implement", "feedback-bot"]) await github.makeLabel(name);
  expect((await check()).labels).toMatchObject({ ok: true, next: null });

  const ping = { zen: "Keep it logically awesome.", hook_id: 1 };
  const signed = (secret: string) => ({
    "x-github-event": "ping",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(JSON.stringify(ping)).digest("hex")}`,
  });
  const hook = (secret: string) =>
    platform.call("POST", `/api/webhook/${made.project.id}`, { body: ping, headers: signed(secret) });
  expect((await hook("another")).status).toBe(401);
  expect((await check()).webhook.ok).toBe(false);
  expect((await hook(made.webhook.secret)).body).toEqual({ status: "pong" });
  expect((await check()).webhook).toMatchObject({ ok: true, next: null });

  await set("anthropic_api_key", "sk-ant-0123456789");
  // It works, and reaches more than it need.
  expect((await check()).credentials).toMatchObject({ ok: true, detail: expect.stringContaining("classic") as string, next: expect.stringContaining("fine-grained") as string }); // prettier-ignore
  await set("github_token", github.narrowToken());
  expect((await check()).credentials).toMatchObject({ ok: true, next: null });
  const { db } = platform.deps;
  const { key } = await seedKey(db, { kind: "worker", workspaceId });
  const worker = await openTestWorker(platform.app, key);
  expect((await check()).workers).toMatchObject({ ok: true, next: null });
  const drain = `/v1/workers/${worker.workerId}/drain`;
  expect((await platform.call("POST", drain, { token })).status).toBe(204);
  expect((await check()).workers).toMatchObject({ ok: false, detail: expect.stringContaining("draining") as string });

  // What a provider refused says so, and which one.
  await asSystem(db, (tx) =>
    sql`update fc.credentials set status = 'rejected' where type = 'github_token'`.execute(tx),
  );
  expect((await check()).credentials).toMatchObject({ ok: false, detail: expect.stringContaining("github_token") as string }); // prettier-ignore
  await github.stop();
  expect((await check()).labels).toMatchObject({ ok: false, detail: expect.stringContaining("could not be asked") as string }); // prettier-ignore
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it("removes a worker that has no job, by an admin, once; what still runs under it is not known any more", async () => {
  await using platform = await openTestPlatform();
  const { db } = platform.deps;
  const me = await platform.person("admin");
  const wanted = { workspaceId: idOf("ws", me.workspaceId), name: "shop", githubRepo: "acme/shop" };
  await platform.call("POST", "/v1/projects", { token: me.token, body: wanted });
  const { rows } = await asSystem(db, (tx) => sql<{ id: string }>`select id from fc.projects`.execute(tx));
  const { runId } = await seedRun(db, { projectId: rows[0]?.id ?? "" });
  const { key } = await seedKey(db, { kind: "worker", workspaceId: me.workspaceId });
  const worker = await openTestWorker(platform.app, key);
  const remove = (token: string) => platform.call("DELETE", `/v1/workers/${worker.workerId}`, { token });
  const { lease } = await worker.claim();
  expect(lease?.runId).toBe(idOf("run", runId));
  expect((await remove(me.token)).body).toMatchObject({ code: "conflict", next: expect.stringContaining("rain") as string }); // prettier-ignore
  if (!lease) throw new TypeError("Nothing was claimed.");
  const failed = { code: "agent_failed", reason: "no", retryable: false };
  expect((await worker.call("POST", `/v1/jobs/${lease.jobId}/fail`, failed, lease)).status).toBe(200);
  const member = await platform.person("member", me.workspaceId);
  expect((await remove(member.token)).status).toBe(403);
  const stranger = await platform.person("owner");
  expect((await remove(stranger.token)).status).toBe(404);
  const both = await Promise.all([remove(me.token), remove(me.token)]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404]);
  const claim = { workerId: worker.workerId, claimId: randomUUID(), waitS: 0 };
  expect((await worker.call("POST", "/v1/jobs/claim", claim)).status).toBe(404);
  const audited = await asSystem(db, (tx) =>
    sql`select from fc.audit_logs where action = 'worker.removed'`.execute(tx),
  );
  expect(audited.rows).toHaveLength(1);
});

async function openGithub(folder: string) {
  const github = await startGithub({ folder });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    files: { "README.md": "A shop.\n" },
    roles: { bot: "write" },
  });
  const token = github.addToken({ login: "bot" });
  let isOpen = true;
  const stop = async () => {
    if (isOpen) await github.close();
    isOpen = false;
  };
  return {
    url: github.url,
    token,
    makeBranch: (branch: string) => github.pushFiles({ repo: "acme/shop", branch, files: { "a.txt": "a" } }),
    signCommits: (branches: string) => github.addRule({ repo: "acme/shop", branches, type: "required_signatures" }),
    narrowToken: () =>
      github.addToken({
        login: "bot",
        kind: "fine_grained",
        permissions: { metadata: "read", contents: "write", issues: "write", pull_requests: "write" },
        repositories: ["acme/shop"],
      }),
    stop,
    [Symbol.asyncDispose]: stop,
    async makeLabel(name: string) {
      const made = await fetch(`${github.url}/repos/acme/shop/labels`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ name, color: "ededed" }),
      });
      expect(made.status).toBe(201);
    },
  };
}
