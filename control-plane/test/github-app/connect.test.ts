import { githubConnection } from "@feedback-chat/protocol/github-app";
import { projectCheck } from "@feedback-chat/protocol/check";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tokenFor } from "../../src/credentials/token-for.ts";
import { deliverEffects } from "../../src/outbox/deliver-effects.ts";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { systemActor } from "@feedback-chat/protocol/actor";
import { revokeHanded } from "../../src/credentials/revoke-handed.ts";
import { requestCancel } from "../../src/jobs/request-cancel.ts";
import { seedKey, seedRun } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { type AppScene, openAppScene, repo } from "../support/app-scene.ts";
import { cookieOf, dumpOf, ann } from "../support/sign-in.ts";

let scene: AppScene;
beforeAll(async () => {
  scene = await openAppScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const connectionOf = async (id = scene.project.id) => {
  const { body } = await scene.platform.call("GET", `/v1/projects/${id}/github`, { headers: scene.owner });
  return githubConnection.parse(body);
};
const checkOf = async () => {
  const { body } = await scene.platform.call("GET", `/v1/projects/${scene.project.id}/check`, { headers: scene.owner });
  return projectCheck.parse(body);
};
const page = (path: string, cookie?: string) =>
  scene.walk({ url: `${scene.url}${path}`, login: "acme", ...(cookie === undefined ? {} : { cookie }) });
const audited = async (action: string) => {
  const { rows } = await asSystem(scene.platform.deps.db, (tx) =>
    sql<{ actor: { login: string } }>`select actor from fc.audit_logs where action = ${action}`.execute(tx),
  );
  return rows.length;
};
/** The same person in another browser. */
const otherSession = async () => {
  const answer = await scene.platform.call("POST", "/api/auth/sign-in/email", {
    body: ann,
    headers: { origin: scene.url },
  });
  return cookieOf(answer);
};
const stateOf = async () => {
  const { text } = await page(`/api/github/connect/${scene.project.id}`);
  return /state=([0-9a-f]{64})/.exec(text)?.[1] ?? "";
};

describe("the App of an instance", () => {
  it("is asked for by who connects a project before there is one", async () => {
    const missing = await page(`/api/github/connect/${scene.project.id}`);
    expect(missing).toMatchObject({ status: 404, text: expect.stringContaining("/api/github/manifest") as string });
    expect(await connectionOf()).toMatchObject({ way: "none", app: null, access: null });
  });

  it("is made by its operator alone, in a browser, by a form that goes to GitHub", async () => {
    const { token } = await scene.platform.person("owner");
    expect((await scene.platform.call("GET", "/api/github/manifest", { token })).status).toBe(403);
    expect((await page("/api/github/manifest", "")).status).toBe(401);
    const { text, headers } = await page("/api/github/manifest");
    expect(headers.get("content-security-policy")).toContain(`form-action 'self' ${scene.github.url}`);
    expect((await page(`/api/github/connect/${scene.project.id}`)).headers.get("content-security-policy")).toContain(
      "form-action 'self';",
    );
    expect(text).toContain(`action="${scene.github.url}/settings/apps/new?state=`);
    const of = await page("/api/github/manifest?organization=globex");
    expect(of.text).toContain(`${scene.github.url}/organizations/globex/settings/apps/new`);
  });

  it("comes back with a code that is exchanged once, for who asked, and its secrets are sealed", async () => {
    const { text } = await page("/api/github/manifest");
    const state = /state=([0-9a-f]{64})/.exec(text)?.[1] ?? "";
    const back = (given: string, code = "nothing") => `/api/github/callback?code=${code}&state=${given}`;
    expect((await page(back(state), await otherSession())).status).toBe(403);
    expect((await page(back("0".repeat(64)))).status).toBe(403);
    expect(await page(back(state))).toMatchObject({ status: 403, text: expect.stringContaining("used") as string });
    const made = await scene.makeApp();
    expect(made).toMatchObject({ status: 200, text: expect.stringContaining("feedback-chat-127-0-0-1") as string });
    expect((await page(new URL(made.url).pathname + new URL(made.url).search)).status).toBe(403);
    expect(await audited("github_app.created")).toBe(1);
    const dump = await dumpOf(scene.platform);
    expect(dump).toContain("feedback-chat-127-0-0-1");
    expect(dump).not.toContain("PRIVATE KEY");
    expect((await page("/api/github/manifest")).text).not.toContain("<form");
  });
});

describe("a project", () => {
  it("is not connected for who may not write to the repository, whatever the address says", async () => {
    for (const login of ["reader", "stranger"]) {
      scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: [repo], by: "acme" });
      const refused = await scene.connect(scene.project, login);
      expect(refused.status, login).toBe(403);
    }
    const { id } = await scene.github.createRepository({ owner: "globex", name: "site", files: { "a.txt": "1\n" } });
    const foreign = scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: ["globex/site"] });
    const state = await stateOf();
    const forged = `/api/github/setup?installation_id=${foreign.id}&setup_action=install&state=${state}`;
    const { status } = await scene.walk({ url: `${scene.url}${forged}`, login: "stranger" });
    expect({ status, id }).toMatchObject({ status: 403 });
    expect(await connectionOf()).toMatchObject({ way: "none" });
  });

  it("is not connected where the App is not installed", async () => {
    await scene.github.createRepository({ owner: "acme", name: "bare", isPrivate: true, files: { "a.txt": "1\n" } });
    const bare = await scene.addProject("Bare", "acme/bare");
    const refused = await scene.connect(bare);
    expect(refused).toMatchObject({ status: 403, text: expect.stringContaining("/api/github/connect/prj_") as string });
    expect(await connectionOf(bare.id)).toMatchObject({ way: "none" });
  });

  it("is connected by a link, GitHub's page and the way back, with its labels, and again without a change", async () => {
    scene.github.uninstallApp({
      installationId: scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: [repo] }).id,
    });
    const connected = await scene.connect(scene.project, "acme");
    expect(connected).toMatchObject({ status: 200, text: expect.stringContaining("serves acme/shop") as string });
    expect(await connectionOf()).toMatchObject({ way: "app", access: "active", repository: repo });
    expect(await audited("github_app.connected")).toBe(1);
    // No webhook by hand: none is asked for.
    expect((await checkOf()).webhook).toMatchObject({ ok: true, detail: expect.stringContaining("App") as string });
    while ((await deliverEffects(scene.platform.deps)) > 0);
    expect((await checkOf()).labels).toMatchObject({ ok: true });
    const made = () =>
      scene.github.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/labels"));
    expect(made()).toHaveLength(6);
    expect((await scene.connect()).status).toBe(200);
    while ((await deliverEffects(scene.platform.deps)) > 0);
    expect(made()).toHaveLength(6);
  });

  it("gets tokens of an hour for its repository and the step alone, which no row keeps", async () => {
    const { deps } = scene.platform;
    const ask = async (token: string, path: string, body?: object) => {
      const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
      const answer = await fetch(`${scene.github.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
        ...init,
      });
      return answer.status;
    };
    const values: string[] = [];
    const of = async (step: "clone" | "publish" | "read" | "tell") => {
      const value = (await tokenFor(deps, scene.project.projectId, step))?.value ?? "";
      values.push(value);
      return value;
    };
    const clone = await of("clone");
    expect(clone).toMatch(/^ghs_/);
    expect(await ask(clone, `/repos/${repo}/contents/README.md`)).toBe(200);
    expect(await ask(clone, `/repos/${repo}/issues`, { title: "x" })).toBe(403);
    expect(await ask(clone, "/repos/acme/bare")).toBe(404);
    const read = await of("read");
    expect(await ask(read, `/repos/${repo}/issues`)).toBe(200);
    expect(await ask(read, `/repos/${repo}/labels`, { name: "x" })).toBe(403);
    expect(await ask(await of("tell"), `/repos/${repo}/git/refs`, { ref: "refs/heads/x", sha: "0".repeat(40) })).toBe(
      403,
    );
    await of("publish");
    expect(new Set(values).size).toBe(4);
    const dump = await dumpOf(scene.platform);
    for (const value of values) expect(dump).not.toContain(value);
  });

  it("revokes a worker's tokens at GitHub as soon as the lease is over or the run is being cancelled", async () => {
    const { deps, app } = scene.platform;
    const { projectId } = scene.project;
    const { rows } = await asSystem(deps.db, (tx) =>
      sql<{ id: string }>`select workspace_id as id from fc.projects where id = ${projectId}`.execute(tx),
    );
    const { key } = await seedKey(deps.db, { kind: "worker", workspaceId: rows[0]?.id ?? "" });
    const worker = await openTestWorker(app, key);
    const works = async (value: string) =>
      (await fetch(`${scene.github.url}/repos/${repo}`, { headers: { authorization: `Bearer ${value}` } })).ok;
    const tokenOfLease = async () => {
      await seedRun(deps.db, { projectId });
      const { lease } = await worker.claim();
      if (!lease) throw new Error("Nothing was claimed.");
      expect((await worker.say(lease, "credentials", { purpose: "clone" })).status).toBe(200);
      const [token] = [...deps.handed];
      if (!token) throw new Error("Nothing was handed out.");
      return { value: token.value, lease };
    };
    const first = await tokenOfLease();
    await revokeHanded(deps);
    expect(await works(first.value)).toBe(true);
    await worker.say(first.lease, "release", {});
    await revokeHanded(deps);
    expect([await works(first.value), deps.handed.size]).toEqual([false, 0]);
    const second = await tokenOfLease();
    await asProject(deps.db, projectId, (tx) =>
      requestCancel(tx, uuidOf("run", second.lease.runId), {
        actor: systemActor,
        reason: "rejected",
        then: "declined",
      }),
    );
    await revokeHanded(deps);
    expect([await works(second.value), deps.handed.size]).toEqual([false, 0]);
    await worker.say(second.lease, "fail", { code: "cancelled", reason: "cancelled", retryable: false });
  });

  it("goes back to a token of its own, and is told apart", async () => {
    const path = `/v1/projects/${scene.project.id}/github`;
    expect((await scene.platform.call("DELETE", path, { headers: scene.owner })).status).toBe(204);
    expect((await scene.platform.call("DELETE", path, { headers: scene.owner })).status).toBe(204);
    expect(await connectionOf()).toMatchObject({ way: "none", access: null });
    expect(await audited("github_app.disconnected")).toBe(1);
    expect(await tokenFor(scene.platform.deps, scene.project.projectId, "clone")).toBeNull();
  });

  it("is connected once by a state, and not by two at once", async () => {
    const state = await stateOf();
    const walks = ["acme", "acme"].map((login) =>
      scene.walk({ url: `${scene.url}/api/github/setup?state=${state}`, login }),
    );
    expect((await Promise.all(walks)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403]);
    const next = await stateOf();
    const elsewhere = await scene.walk({
      url: `${scene.url}/api/github/setup?state=${next}`, login: "acme", cookie: await otherSession(),
    }); // prettier-ignore
    expect(elsewhere.status).toBe(403);
  });
});
