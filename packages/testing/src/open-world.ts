import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { createdKey, createProjectAnswer, credential } from "@feedback-chat/protocol/project";
import {
  actionAnswer,
  type Run,
  type RunDetail,
  runDetail,
  runPage,
} from "@feedback-chat/protocol/run";
import type { Action } from "@feedback-chat/protocol/run-machine";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { startModel, type ModelServer } from "@feedback-chat/demo/model-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import type * as z from "zod";
import { makeDatabase } from "./make-database.ts";
import { type Program, startProgram } from "./start-program.ts";
import { openTap, type Tap } from "./tap.ts";
import { waitUntil } from "./wait-until.ts";

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const serverFile = file("control-plane/src/main.ts");
const workerFile = file("packages/agent/src/worker/main.ts");

export type WorldOptions = {
  /** A server's superuser address: the world gets a database of its own there. Unset = embedded in a folder. */
  databaseUrl?: string | undefined;
  settings?: Record<string, unknown>;
  /** argv that plays the engine inside the sandbox, for speed; unset = the real one on the scripted model. */
  engineCommand?: string[] | undefined;
  enginePath?: string | undefined;
  scenario?: string;
  /** All times of the lease protocol. */
  figuresScale?: number;
  concurrency?: number;
  /** Variables for the worker's process alone. */
  workerEnvironment?: Record<string, string>;
};

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Mends the shop's bug as a person with sed would: 50 ms instead of an agent. */
export const sedEngine = [
  "sh",
  "-c",
  "sed -i 's/priceCents, 0/priceCents * line.quantity, 0/' /work/src/cart.js && echo mended",
];

/**
 * The whole product as processes: a real server and worker from their entries, a tap between them, GitHub and model
 * as stand-ins, one project with its webhook. Everything ends with the world, by its id.
 */
export async function openWorld(options: WorldOptions = {}) {
  const opened = new AsyncDisposableStack();
  try {
    return await build(options, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function build(options: WorldOptions, opened: AsyncDisposableStack) {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-world-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  // The sandbox's own user has to get through it.
  chmodSync(folder, 0o711);
  const database = options.databaseUrl
    ? opened.use(await makeDatabase(options.databaseUrl))
    : undefined;
  const github: Github = opened.use(await startGithub({ folder: join(folder, "github") }));
  const model: ModelServer = opened.use(
    await startModel({ scenario: options.scenario ?? "fix-cart" }),
  );
  const tap: Tap = opened.use(await openTap("http://127.0.0.1:9"));
  const shop = await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { "feedback-app": "triage", "pipeline-bot": "write" },
  });
  const scale = String(options.figuresScale ?? 0.1);
  const common = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
    FEEDBACK_CHAT_FIGURES_SCALE: scale,
  };
  mkdirSync(join(folder, "data"), { mode: 0o700 });

  const programs: { server: Program | undefined; worker: Program | undefined } = {
    server: undefined,
    worker: undefined,
  };
  opened.defer(async () => {
    for (const program of [programs.worker, programs.server])
      await program?.[Symbol.asyncDispose]();
  });
  async function startServer(): Promise<Program> {
    const env = {
      ...common,
      PORT: "0",
      DATA_DIR: join(folder, "data"),
      PUBLIC_URL: tap.url,
      ...(database ? { DATABASE_URL: database.url } : {}),
    };
    const server = startProgram(serverFile, [], env);
    programs.server = server;
    tap.aim(String((await server.heard("server.listening"))["url"]));
    return server;
  }
  const first = await startServer();
  const { code } = await first.heard("owner.code");

  async function call<T>(
    method: "GET" | "POST",
    path: string,
    answer: z.ZodType<T>,
    body?: unknown,
    token?: string,
  ): Promise<T> {
    const response = await fetch(`${tap.url}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return answer.parse(await response.json());
  }
  const owner = await call("POST", "/api/setup/owner", setupOwnerAnswer, {
    code,
    email: "owner@example.com",
    password: "a long password",
    login: "owner",
    wantsCliToken: true,
  });
  const token = owner.cliToken ?? "";
  const made = await call(
    "POST",
    "/v1/projects",
    createProjectAnswer,
    { name: "Shop", githubRepo: "acme/shop", settings: options.settings ?? {} },
    token,
  );
  const projectId = made.project.id;
  const set = (type: string, value: string) =>
    call("POST", `/v1/projects/${projectId}/credentials`, credential, { type, value }, token);
  const secrets = {
    github: github.addToken({ login: "pipeline-bot" }),
    model: `sk-ant-canary-${randomUUID()}`,
  };
  await set("github_token", secrets.github);
  await set("anthropic_api_key", secrets.model);
  const { key: workerKey } = await call(
    "POST",
    `/v1/workspaces/${owner.workspaceId}/worker-keys`,
    createdKey,
    { name: "world" },
    token,
  );
  github.addHook({ repo: "acme/shop", url: made.webhook.url, secret: made.webhook.secret });

  async function startWorker(): Promise<Program> {
    const env = {
      ...common,
      ...(options.engineCommand
        ? { FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(options.engineCommand) }
        : {}),
      ...(options.enginePath ? { FEEDBACK_CHAT_ENGINE_PATH: options.enginePath } : {}),
      ANTHROPIC_BASE_URL: model.url,
      FEEDBACK_CHAT_URL: tap.url,
      FEEDBACK_CHAT_WORKER_KEY: workerKey,
      FEEDBACK_CHAT_CONCURRENCY: String(options.concurrency ?? 1),
      FEEDBACK_CHAT_DATA: join(folder, "worker"),
      ...options.workerEnvironment,
    };
    const worker = startProgram(workerFile, [], env);
    programs.worker = worker;
    await worker.heard("worker.registered");
    return worker;
  }

  const runs = async (): Promise<Run[]> =>
    (await call("GET", `/api/runs/${projectId}`, runPage, undefined, token)).items;
  const runOf = (runId: string): Promise<RunDetail> =>
    call("GET", `/v1/runs/${runId}`, runDetail, undefined, token);
  return {
    folder, github, model, tap, programs, startServer, startWorker, call, token, projectId, workspaceId: owner.workspaceId, workerKey, secrets,
    gitDir: shop.gitDir, databaseUrl: database?.url, runs, runOf,
    openIssue: () => github.openIssue({ repo: "acme/shop", author: "feedback-app", ...shopFeedback }),
    act: (runId: string, action: Action, comment?: string) =>
      call("POST", `/api/runs/${projectId}/${runId}/action`, actionAnswer, { action, ...(comment ? { comment } : {}) }, token),
    /** Ends a process as the kernel would, without a word. */
    async kill(name: "server" | "worker"): Promise<void> {
      const program = programs[name];
      program?.kill("SIGKILL");
      await program?.exited;
    },
    /** The newest run, once `is` holds of it. */
    runThat: (what: string, is: (run: Run) => boolean, seconds = 120) =>
      waitUntil(what, async () => {
        // The server may be down at this very moment: that is the test.
        const all = await runs().catch((error: unknown) => (error instanceof TypeError || /: 5\d\d /.test(String(error)) ? [] : Promise.reject(error)));
        return all.find(is);
      }, seconds),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }; // prettier-ignore
}
