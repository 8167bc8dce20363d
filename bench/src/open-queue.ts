import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figures } from "@feedback-chat/protocol/figures";
import { makeDatabase } from "@feedback-chat/testing/make-database";
import { startProgram } from "@feedback-chat/testing/start-program";
import { mintKey } from "../../control-plane/src/keys/mint-key.ts";
import type { Db } from "../../control-plane/src/platform/database.ts";
import { migrate } from "../../control-plane/src/platform/migrate.ts";
import { openServer } from "../../control-plane/src/platform/open-server.ts";
import { packageVersion } from "../../control-plane/src/platform/package-version.ts";
import { listenForSignals } from "../../control-plane/src/platform/signals.ts";
import { registerWorker } from "../../control-plane/src/workers/register-worker.ts";
import { openOwner, seedProjects } from "./seed-queue.ts";

export type Queue = Awaited<ReturnType<typeof openQueue>>;
type Size = { projects: number; workers: number; maxConcurrentRuns?: number };

const log = { info: () => {}, warn: () => {}, error: () => {} };

/** A database of its own with the product's schema and verbs, one workspace, projects and registered workers. */
export async function openQueue(clusterUrl: string, size: Size) {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await makeDatabase(clusterUrl));
  const server = opened.use(openServer({ log }, { url: database.url, poolSize: 20 }));
  await migrate(server.db);
  const owner = opened.use(await openOwner(database.url));
  const workspaceId = randomUUID();
  await owner.query("insert into fc.workspaces (id, name) values ($1, 'Bench')", [workspaceId]);
  const projectIds = await seedProjects(owner, {
    workspaceId,
    count: size.projects,
    maxConcurrentRuns: size.maxConcurrentRuns ?? 1,
  });
  const { keyId, key } = await seedWorkerKey(owner, workspaceId);
  const workerIds = await Promise.all(
    Array.from({ length: size.workers }, () => registerOne(server.db, { workspaceId, keyId })),
  );
  const signals = await listenForSignals(server);
  const config = { figures, githubUrl: "http://127.0.0.1:9", githubApiUrl: "http://127.0.0.1:9" };
  const owned = opened.move();
  return {
    url: database.url, owner, workspaceId, projectIds, keyId, key, workerIds,
    deps: { db: server.db, signals, config },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }; // prettier-ignore
}

async function seedWorkerKey(owner: Awaited<ReturnType<typeof openOwner>>, workspaceId: string) {
  const { key, hash, prefix } = mintKey("worker");
  const keyId = randomUUID();
  await owner.query(
    "insert into fc.api_keys (id, workspace_id, kind, key_hash, prefix) values ($1, $2, 'worker', $3, $4)",
    [keyId, workspaceId, hash, prefix],
  );
  return { keyId, key };
}

async function registerOne(db: Db, of: { workspaceId: string; keyId: string }): Promise<string> {
  const { workerId } = await registerWorker(
    { db, newId: randomUUID },
    {
      ...of,
      name: "bench",
      version: packageVersion,
      capabilities: { engines: ["claude-code"], sandbox: "bubblewrap", localCredentials: [] },
      publicKey: randomBytes(32).toString("base64url"),
      concurrency: 1,
    },
  );
  return workerId;
}

const serverFile = fileURLToPath(import.meta.resolve("@feedback-chat/control-plane/server"));

/** The real server, a process of its own, over the queue's database. */
export async function serveQueue(
  queue: Queue,
  settings: Record<string, string> = {},
): Promise<AsyncDisposable & { url: string; pid: number }> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-bench-"));
  const program = startProgram(serverFile, [], {
    PATH: process.env["PATH"],
    PORT: "0",
    DATA_DIR: folder,
    LIMIT_REQUESTS: "100000000",
    DATABASE_URL: queue.url,
    // Nobody answers there; projects without a token need nobody.
    GITHUB_API_URL: "http://127.0.0.1:9",
    ...settings,
  });
  const { url } = await program.heard("server.listening");
  return {
    url: String(url),
    pid: program.pid,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
