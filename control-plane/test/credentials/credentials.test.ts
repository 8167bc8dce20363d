import { createServer } from "node:http";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { systemActor } from "@feedback-chat/protocol/actor";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { createProjectAnswer, credential, credentialPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { tokenFor } from "../../src/credentials/token-for.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { lockRun } from "../../src/runs/lock-run.ts";
import { recordEvent } from "../../src/runs/record-event.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedRun } from "../support/seed.ts";

async function withProject(platform: TestPlatform, name = "Shop") {
  const { token } = await platform.person("admin");
  const { body } = await platform.call("POST", "/v1/projects", {
    token,
    body: { name, githubRepo: "acme/shop" },
  });
  const { project } = createProjectAnswer.parse(body);
  const path = `/v1/projects/${project.id}/credentials`;
  const set = (type: string, value: string) => platform.call("POST", path, { token, body: { type, value } });
  return { token, path, set, projectId: uuidOf("prj", project.id), project };
}

it("hands a credential out for its purpose only, in its newest version, and never in an answer", async () => {
  await using platform = await openTestPlatform();
  const { set, path, token, projectId } = await withProject(platform);
  const [first, second] = ["sk-ant-first-0123456789", "sk-ant-second-0123456789"];
  const one = await set("anthropic_api_key", first);
  const two = await set("anthropic_api_key", second);
  expect(credential.parse(two.body)).toMatchObject({
    id: one.body["id"],
    last4: "6789",
    status: "unverified",
  });
  const list = await platform.call("GET", path, { token });
  expect(credentialPage.parse(list.body).items).toHaveLength(1);
  for (const { text } of [one, two, list]) expect(text).not.toMatch(/sk-ant|first|second/);
  expect(await tokenFor(platform.deps, projectId, "model")).toEqual({
    type: "anthropic_api_key",
    value: second,
    isMinted: false,
  });
  expect(await tokenFor(platform.deps, projectId, "publish")).toBeNull();
  expect((await platform.call("DELETE", `/v1/credentials/${String(two.body["id"])}`, { token })).status).toBe(204);
  expect(await tokenFor(platform.deps, projectId, "model")).toBeNull();
});

it("does not open in another project's row", async () => {
  await using platform = await openTestPlatform();
  const [a, b] = [await withProject(platform), await withProject(platform)];
  await a.set("anthropic_api_key", "sk-ant-of-a-0123456789");
  await b.set("anthropic_api_key", "sk-ant-of-b-0123456789");
  await asSystem(platform.deps.db, (tx) =>
    sql`update fc.credentials mine set encrypted_value = other.encrypted_value, wrapped_dek = other.wrapped_dek
      from fc.credentials other where mine.project_id = ${b.projectId} and other.project_id = ${a.projectId}`.execute(
      tx,
    ),
  );
  await expect(tokenFor(platform.deps, b.projectId, "model")).rejects.toMatchObject({
    code: "credential_unreadable",
  });
});

it("refuses a personal Claude subscription on an instance for many", async () => {
  await using platform = await openTestPlatform({ env: { MODE: "hosted" } });
  const { set } = await withProject(platform);
  expect(await set("claude_oauth", "sk-ant-oat-1")).toMatchObject({
    status: 422,
    body: { code: "credential_type_not_allowed" },
  });
});

it("lets runs that wait for a credential go on", async () => {
  await using platform = await openTestPlatform();
  const { set, projectId } = await withProject(platform);
  const { runId, jobId } = await seedRun(platform.deps.db, { projectId });
  await asProject(platform.deps.db, projectId, async (tx) => {
    await sql`update fc.job_queue set run_at = 'infinity' where id = ${jobId}`.execute(tx);
    await recordEvent(tx, await lockRun(tx, runId), {
      event: "parked",
      actor: systemActor,
      attempt: 1,
      phase: "agent",
      waitingFor: "credential",
    });
  });
  const answer = await set("anthropic_api_key", "sk-ant-0123456789abcdef");
  expect(answer).toMatchObject({ status: 201 });
  const { rows } = await asProject(platform.deps.db, projectId, (tx) =>
    sql`select r.waiting_for, j.run_at <= now() as is_due from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id`.execute(
      tx,
    ),
  );
  expect(rows).toEqual([{ waiting_for: "worker", is_due: true }]);
});

it("tries a GitHub token on the repository: takes its id, and tells a wrong token from a wrong repository", async () => {
  const good = `ghp_${randomBytes(12).toString("hex")}`;
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${good}`;
    const isThere = request.url === "/repos/acme/shop";
    response.writeHead(isKnown ? (isThere ? 200 : 404) : 401, {
      "content-type": "application/json",
    });
    response.end(JSON.stringify({ id: 99, full_name: "acme/shop", private: true }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await using platform = await openTestPlatform({
    env: { GITHUB_API_URL: `http://127.0.0.1:${port}` },
  });
  const { set, token, project } = await withProject(platform);
  const wrong = await set("github_token", "ghp_wrong");
  expect(wrong).toMatchObject({ status: 403, body: { code: "github_access" } });
  expect(wrong.text).not.toContain("ghp_wrong");
  expect(await set("github_token", good)).toMatchObject({ status: 201, body: { status: "ok" } });
  expect((await platform.call("GET", `/v1/projects/${project.id}`, { token })).body["githubRepoId"]).toBe(99);
  const lost = await platform.call("POST", "/v1/projects", {
    token,
    body: { name: "Lost", githubRepo: "acme/lost" },
  });
  const lostId = createProjectAnswer.parse(lost.body).project.id;
  const said = await platform.call("POST", `/v1/projects/${lostId}/credentials`, {
    token,
    body: { type: "github_token", value: good },
  });
  expect(said.body).toMatchObject({
    code: "github_access",
    detail: expect.stringContaining("acme/lost") as string,
  });
  server.close();
  // Nobody there: kept, to be proven later.
  expect(await set("github_token", good)).toMatchObject({
    status: 201,
    body: { status: "unverified" },
  });
});
