import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub } from "@feedback-chat/demo/github-server";
import { startModel } from "@feedback-chat/demo/model-server";
import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { auditPage } from "@feedback-chat/protocol/operating";
import { credential, credentialPage, credentialTest } from "@feedback-chat/protocol/project";
import { expect, it } from "vitest";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { seedProject } from "../support/seed.ts";

const goodKey = "sk-ant-api03-good-0123456789";

/** A project on the local GitHub and the local model, with what sets and tries its credentials. */
async function openScene(env: Record<string, string>, kind: (typeof kinds)[number] = "server") {
  const platform = await openTestPlatform({ kind, env });
  const { token, workspaceId } = await platform.person("admin");
  const projectId = idOf("prj", await seedProject(platform.deps.db, { workspaceId, githubRepo: "acme/shop" }));
  const list = `/v1/projects/${projectId}/credentials`;
  const set = async (type: string, value: string) =>
    credential.parse((await platform.call("POST", list, { token, body: { type, value } })).body).id;
  const test = (id: string, by = token) => platform.call("POST", `/v1/credentials/${id}/test`, { token: by });
  const said = async (id: string) => credentialTest.parse((await test(id)).body);
  const statuses = async () =>
    credentialPage.parse((await platform.call("GET", list, { token })).body).items.map(({ status }) => status);
  const actions = async () => {
    const path = `/v1/workspaces/${idOf("ws", workspaceId)}/audit`;
    return auditPage.parse((await platform.call("GET", path, { token })).body).items.map(({ action }) => action);
  };
  return { platform, workspaceId, set, test, said, statuses, actions, close: () => platform[Symbol.asyncDispose]() };
}

it.each(kinds)(
  "shows a credential on the %s database to its other end, and keeps and notes what that said",
  async (kind) => {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "fc-credential-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const github = opened.use(await startGithub({ folder }));
    await github.createRepository({ owner: "acme", name: "shop", files: { "a.txt": "a" }, roles: { bot: "write" } });
    const model = opened.use(await startModel({ scenario: "fix-cart", key: goodKey }));
    const scene = await openScene({ GITHUB_API_URL: github.url, ANTHROPIC_BASE_URL: model.url }, kind);
    opened.defer(scene.close);
    const modelKey = await scene.set("anthropic_api_key", "sk-ant-api03-wrong-0123456789");
    expect(await scene.said(modelKey)).toMatchObject({ ok: false, credential: { status: "rejected" } });
    await scene.set("anthropic_api_key", goodKey);
    expect(await scene.statuses()).toEqual(["unverified"]);
    expect(await scene.said(modelKey)).toMatchObject({
      ok: true,
      reason: null,
      credential: { status: "ok", last4: "6789" },
    });
    expect(model.counted.requests).toBe(0);
    const value = github.addToken({ login: "bot" });
    const token = await scene.set("github_token", value);
    expect(await scene.said(token)).toMatchObject({
      ok: true,
      credential: { id: token, type: "github_token", status: "ok" },
    });
    github.revokeToken(value);
    const refused = await scene.test(token);
    expect(refused.body).toMatchObject({ ok: false, reason: "GitHub does not accept this token." });
    expect(refused.text).not.toContain(value);
    expect(await scene.statuses()).toEqual(["rejected", "ok"]);
    expect((await scene.actions()).filter((action) => action === "credential.tested")).toHaveLength(4);
  },
);

/** Answers everything with one status. */
async function startDull(
  status: number,
  headers: Record<string, string> = {},
): Promise<Server & { url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.headers.host}${request.url}`);
    response.writeHead(status, headers).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen });
}

it("leaves the status as it was when its other end says nothing about it, and takes no secret elsewhere", async () => {
  const other = await startDull(200);
  const dull = await startDull(307, { location: `${other.url}/stolen` });
  const scene = await openScene({ ANTHROPIC_BASE_URL: dull.url });
  const id = await scene.set("anthropic_api_key", goodKey);
  expect(await scene.said(id)).toMatchObject({
    ok: false,
    reason: "The model's API answered with status 307.",
    credential: { status: "unverified" },
  });
  expect([dull.seen.length, other.seen.length]).toEqual([1, 0]);
  const token = await scene.set("github_token", "ghp_0123456789abcdef");
  expect(await scene.said(token)).toMatchObject({ ok: false, credential: { status: "unverified" } });
  for (const server of [dull, other]) server.close();
  await scene.close();
});

it("is an admin's, of the own project, and a few times a minute", async () => {
  const dull = await startDull(200);
  const scene = await openScene({ ANTHROPIC_BASE_URL: dull.url });
  const id = await scene.set("anthropic_api_key", goodKey);
  const { platform, workspaceId, test } = scene;
  expect((await test(id, (await platform.person("member", workspaceId)).token)).status).toBe(403);
  const never = (await test(idOf("crd", uuidOf("crd", id).replace(/^./, "1")))).body;
  const foreign = { ...(await test(id, (await platform.person("owner")).token)).body, requestId: never["requestId"] };
  expect(foreign).toEqual({ ...never, code: "not_found" });
  const [one, two] = await Promise.all([test(id), test(id)]);
  for (const { body } of [one, two]) expect(body).toMatchObject({ ok: true, credential: { status: "ok" } });
  const many = await Promise.all(Array.from({ length: 12 }, () => test(id)));
  expect(many.map(({ status }) => status)).toContain(429);
  expect(dull.seen.length).toBeLessThan(14);
  dull.close();
  await scene.close();
});
