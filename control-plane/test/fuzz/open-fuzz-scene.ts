import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { idOf, type IdPrefix } from "@feedback-chat/protocol/ids";
import type { Lease } from "@feedback-chat/protocol/worker";
import { type ServerType, serve } from "@hono/node-server";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { jsonLog } from "../../src/platform/log.ts";
import { mintReporterToken } from "../../src/reports/reporter-token.ts";
import { sealWebhookSecret } from "../../src/projects/webhook-secrets.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { webhookSecret } from "../support/webhook-scene.ts";

/** One tenant with one of everything, and a secret for each kind of caller. */
export type FuzzTenant = {
  /** Wire ids by the name of the path's parameter. */
  ids: Record<string, string>;
  tokens: { user: string; key: string; worker: string; reporter: string };
  lease: Lease | null;
  workspaceId: string;
  projectId: string;
};
export type FuzzScene = AsyncDisposable & {
  platform: TestPlatform;
  port: number;
  /** What the server logged as a bug of its own. */
  bugs: string[];
  tenant(): Promise<FuzzTenant>;
};

/** The whole app behind a socket, on a real Postgres. */
export async function openFuzzScene(): Promise<FuzzScene> {
  const bugs: string[] = [];
  const log = jsonLog(
    (line) => void (/"event":"(request\.bug|sse\.failed)"/.test(line) && bugs.push(line)),
    () => new Date(),
  );
  const platform = await openTestPlatform({ log });
  const server: ServerType = serve({ fetch: platform.app.fetch, port: 0, hostname: "127.0.0.1" });
  if (!server.listening) await once(server, "listening");
  return {
    platform,
    bugs,
    port: (server.address() as AddressInfo).port,
    tenant: () => makeTenant(platform),
    async [Symbol.asyncDispose]() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
      await platform[Symbol.asyncDispose]();
    },
  };
}

async function makeTenant(platform: TestPlatform): Promise<FuzzTenant> {
  const { db } = platform.deps;
  const { token, workspaceId, userId } = await platform.person("owner");
  const other = await platform.person("member", workspaceId);
  await asSystem(db, (tx) => sql`update fc.users set is_operator = true where id = ${userId}`.execute(tx));
  const projectId = await seedProject(db, { workspaceId, maxConcurrentRuns: 50 });
  const run = await seedRun(db, { projectId });
  const worker = await seedKey(db, { kind: "worker", workspaceId });
  const scopes = ["status:read", "runs:read", "feedback:write", "runs:act"];
  const key = await seedKey(db, { kind: "project", workspaceId, projectId, scopes });
  const atWork = await openTestWorker(platform.app, worker.key);
  const { lease } = await atWork.claim();
  const credential = await storeCredential(platform, projectId);
  const [feedback, event, endpoint, invite] = [newId(), newId(), newId(), newId()];
  const reporter = mintReporterToken();
  await asSystem(db, async (tx) => {
    await sql`insert into fc.feedback (id, project_id, channel, public_text) values (${feedback}, ${projectId}, 'api', 'x')`.execute(
      tx,
    );
    await sql`insert into fc.reporter_tokens (token_hash, feedback_id, project_id) values (${reporter.hash}, ${feedback}, ${projectId})`.execute(
      tx,
    );
    await sql`insert into fc.webhook_events (id, project_id, guid, event, body_sha256, status)
      values (${event}, ${projectId}, ${event}, 'issues', '', 'handled')`.execute(tx);
  });
  const wire = (prefix: IdPrefix, id: string) => idOf(prefix, id);
  return {
    workspaceId, projectId, lease,
    tokens: { user: token, key: key.key, worker: worker.key, reporter: reporter.token },
    ids: {
      workspaceId: wire("ws", workspaceId), projectId: wire("prj", projectId), runId: wire("run", run.runId), jobId: wire("job", run.jobId),
      keyId: wire("key", key.keyId), credentialId: wire("crd", credential), feedbackId: wire("fb", feedback), eventId: wire("whe", event),
      userId: wire("usr", other.userId), workerId: atWork.workerId, endpointId: wire("ep", endpoint), inviteId: wire("inv", invite), name: "tree.pack",
    },
  }; // prettier-ignore
}

async function storeCredential({ deps }: TestPlatform, projectId: string): Promise<string> {
  const [id, type, value] = [newId(), "anthropic_api_key", "sk-ant-api03-fuzz"];
  const sealed = deps.sealing.seal(value, { projectId, id, type, version: 1 });
  const webhook = sealWebhookSecret(deps, projectId, webhookSecret);
  await asSystem(deps.db, async (tx) => {
    await sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
      values (${id}, ${projectId}, ${type}, ${sealed.encryptedValue}, ${sealed.wrappedDek}, ${sealed.kekId}, 'fuzz')`.execute(
      tx,
    );
    await sql`update fc.projects set webhook_secret = ${webhook} where id = ${projectId}`.execute(tx);
  });
  return id;
}
