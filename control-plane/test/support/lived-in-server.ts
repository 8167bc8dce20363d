import { uuidOf } from "@feedback-chat/protocol/ids";
import { expect } from "vitest";
import { tokenFor } from "../../src/credentials/token-for.ts";
import { becomeOwner, call, createProject, owner } from "./call-server.ts";
import { seedRun } from "./seed.ts";
import type { TestServer } from "./start-test-server.ts";

/** A person with a password, a project with its key, a credential and a run. */
export async function live(server: TestServer) {
  const { token } = await becomeOwner(server);
  const { project, apiKey } = await createProject(server, token);
  const path = `/v1/projects/${project.id}/credentials`;
  await call(server, "POST", path, { token, body: { type: "anthropic_api_key", value: "sk-ant-0123456789" } });
  const projectId = uuidOf("prj", project.id);
  const { runId } = await seedRun(server.deps.db, { projectId });
  return { token, project, apiKey, projectId, runId };
}

export type Lived = Awaited<ReturnType<typeof live>>;

/** Login, token, key, run and credential are as they were. */
export async function expectWhole(server: TestServer, had: Lived): Promise<void> {
  const { token, project, apiKey, projectId } = had;
  const signedIn = await call(server, "POST", "/api/auth/sign-in/email", {
    body: { email: owner.email, password: owner.password },
    headers: { origin: server.url },
  });
  expect(signedIn.status, signedIn.text).toBe(200);
  expect((await call(server, "GET", "/v1/me", { token })).status).toBe(200);
  const runs = await call(server, "GET", `/api/runs/${project.id}`, { token: apiKey });
  expect(runs.body["items"]).toMatchObject([{ projectId: project.id, stage: "queued" }]);
  expect(await tokenFor(server.deps, projectId, "model")).toMatchObject({ value: "sk-ant-0123456789" });
  expect(await call(server, "GET", "/api/healthz")).toMatchObject({ status: 200 });
}
