import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startGithub } from "@feedback-chat/demo/github-server";
import { startModel } from "@feedback-chat/demo/model-server";
import { project as projectAnswer } from "@feedback-chat/protocol/project";
import pg from "pg";
import { startPostgres } from "../../../../scripts/postgres.ts";
import { addProject } from "../add-project.ts";
import { callApi } from "../call-api.ts";
import { freePort } from "../free-port.ts";
import { setUpOwner } from "../set-up-owner.ts";
import { type Program, startProgram } from "../start-program.ts";
import { type KeptProgram, keepProgram } from "./keep-program.ts";
import { type Forwarder, openForwarder } from "./open-forwarder.ts";
import { engineCommand } from "./scripted-engine.ts";

const file = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const serverFile = file("control-plane/src/main.ts");
const workerFile = file("packages/agent/src/worker/main.ts");

export type Field = Awaited<ReturnType<typeof openField>>;
type Size = { workers: number; replicas: number; projects: number; concurrency: number; scale: number };

/** Missed webhooks are looked for often. */
const figures = JSON.stringify({ pollIssuesEverySeconds: 10, outboxLockSeconds: 20 });

/**
 * The product as it stands in the field, all of it real processes: Postgres behind a forwarder per replica, replicas
 * behind one balancer, workers with bubblewrap and the publisher. GitHub and the model are the stand-ins.
 */
export async function openField({ workers, replicas, projects, concurrency, scale }: Size) {
  const opened = new AsyncDisposableStack();
  try {
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-chaos-"));
    opened.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    chmodSync(folder, 0o711); // the sandbox's own user has to get through it
    const postgres = opened.use(await startPostgres());
    const databaseUrl = await makeDurableDatabase(postgres.url);
    const github = opened.use(await startGithub({ folder: join(folder, "github") }));
    const model = opened.use(await startModel({ scenario: "fix-cart" }));
    const ports = await Promise.all(Array.from({ length: replicas }, freePort));
    const balancer = opened.use(await openForwarder(() => ports));
    const url = `http://127.0.0.1:${balancer.port}`;
    const common = {
      PATH: process.env["PATH"], HOME: process.env["HOME"], GITHUB_API_URL: github.url, GITHUB_URL: github.url,
      FEEDBACK_CHAT_FIGURES_SCALE: String(scale),
    }; // prettier-ignore
    const { servers, newest } = await startReplicas(opened, {
      folder,
      databaseUrl,
      ports,
      env: { ...common, PUBLIC_URL: url },
    });
    const owner = await setUpOwner(url, newest);
    const deps = { github, url, token: owner.token };
    const tenants = [];
    for (let index = 0; index < projects; index += 1)
      tenants.push(await addTenant(deps, { index, maxConcurrentRuns: Math.max(2, concurrency * 2) }));
    const env = {
      ...common, ANTHROPIC_BASE_URL: model.url, FEEDBACK_CHAT_URL: url, FEEDBACK_CHAT_WORKER_KEY: owner.workerKey,
      FEEDBACK_CHAT_CONCURRENCY: String(concurrency), FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(engineCommand),
    }; // prettier-ignore
    const kept = await startWorkers(opened, { folder, count: workers, env });
    return {
      folder, postgres, databaseUrl, github, model, balancer, servers, workers: kept, tenants,
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    }; // prettier-ignore
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

type Environment = Record<string, string | undefined>;
type Replicas = { folder: string; databaseUrl: string; ports: number[]; env: Environment };

/** One after the other: the code that the newest one tells makes the owner. Each has a way of its own to the database. */
async function startReplicas(opened: AsyncDisposableStack, { folder, databaseUrl, ports, env }: Replicas) {
  const masterKey = randomBytes(32).toString("base64");
  const servers: { program: KeptProgram; database: Forwarder }[] = [];
  const lives: Program[] = [];
  for (const [index, port] of ports.entries()) {
    const database = opened.use(await openForwarder(() => [Number(new URL(databaseUrl).port)]));
    const data = join(folder, `replica-${index}`);
    mkdirSync(data, { mode: 0o700 });
    const own = {
      ...env, PORT: String(port), DATA_DIR: data, MASTER_KEY: masterKey, DATABASE_URL: withPort(databaseUrl, database.port),
      FEEDBACK_CHAT_FIGURES: figures, ...unlimited,
    }; // prettier-ignore
    const start = () => {
      const server = startProgram(serverFile, [], own);
      lives.push(server);
      return server;
    };
    const program = opened.use(keepProgram(`replica ${index + 1}`, "server.listening", start));
    await program.ready();
    servers.push({ program, database });
  }
  const newest = lives.at(-1);
  if (!newest) throw new RangeError("A field has a replica.");
  return { servers, newest };
}

type Workers = { folder: string; count: number; env: Environment };

/** Each with a folder of its own, as on machines of their own. */
async function startWorkers(opened: AsyncDisposableStack, { folder, count, env }: Workers): Promise<KeptProgram[]> {
  const workers = Array.from({ length: count }, (_, index) => {
    const own = {
      ...env,
      FEEDBACK_CHAT_DATA: join(folder, `worker-${index}`),
      FEEDBACK_CHAT_WORKER_NAME: `worker-${index + 1}`,
    };
    return opened.use(keepProgram(`worker ${index + 1}`, "worker.registered", () => startProgram(workerFile, [], own)));
  });
  await Promise.all(workers.map((worker) => worker.ready()));
  return workers;
}

const unlimited = { LIMIT_REQUESTS: "1000000", LIMIT_STRANGERS: "1000000", LIMIT_WEBHOOKS: "1000000" };

export type Tenant = Awaited<ReturnType<typeof addTenant>>;

/** Each second one is held for a person; each third one's bot may see its webhook, and so ask for what was missed. */
async function addTenant(
  deps: Parameters<typeof addProject>[0],
  { index, maxConcurrentRuns }: { index: number; maxConcurrentRuns: number },
) {
  const isHeld = index % 2 === 1;
  const publish = isHeld ? "hold" : "auto";
  const added = await addProject(deps, { repo: `shop-${index}`, settings: { publish, checks: [] } });
  if (index % 3 === 0) deps.github.setRole({ repo: added.fullName, login: "pipeline-bot", role: "admin" });
  await callApi(deps, {
    method: "PATCH",
    path: `/v1/projects/${added.projectId}`,
    answer: projectAnswer,
    body: { maxConcurrentRuns },
  });
  return { ...added, isHeld };
}

/**
 * The tests' cluster answers before it has written, for speed. Here its processes are killed, and what it said yes to
 * has to be there again.
 */
async function makeDurableDatabase(superuserUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query("create database chaos");
    await client.query("alter database chaos set synchronous_commit = on");
  } finally {
    await client.end();
  }
  const url = new URL(superuserUrl);
  url.pathname = "/chaos";
  return url.href;
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
