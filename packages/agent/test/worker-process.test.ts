import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { shopFolder } from "@feedback-chat/demo/shop";
import { runSettings } from "@feedback-chat/protocol/job";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ignoring } from "../src/platform/ignoring.ts";
import { startProtocolServer, type ServedJob } from "./protocol-server.ts";

const program = fileURLToPath(new URL("../src/worker/main.ts", import.meta.url));
const repo = "acme/shop";
const soon = { timeout: 30_000, interval: 20 };

let dataFolder: string;
let folder: string;
let github: Github;
let server: Awaited<ReturnType<typeof startProtocolServer>>;
let repository: { id: number; fullName: string; cloneUrl: string };
const workers: { kill(signal: NodeJS.Signals): boolean; ended: Promise<number | null> }[] = [];

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "agent-data-"));
  await chmod(dataFolder, 0o711);
});
afterAll(() => rm(dataFolder, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "worker-process-"));
  github = await startGithub({ folder: join(folder, "github") });
  repository = await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { bot: "write" },
  });
  server = await startProtocolServer();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) {
    worker.kill("SIGKILL");
    await worker.ended;
  }
  await server[Symbol.asyncDispose]();
  await github.close();
  await rm(folder, { recursive: true });
});

const repair = `
  const fs = require("node:fs");
  const file = "/work/src/cart.js";
  fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("priceCents, 0)", "priceCents * line.quantity, 0)"));
`;
/** Prints a line every 50 ms, for ever; its name shows in the list of processes. */
const endless = `process.title = "endless-agent"; let count = 0; setInterval(() => console.log("tick " + (count += 1)), 50);`;

function startWorker(script: string, change: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--conditions=source", program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      FEEDBACK_CHAT_URL: server.url,
      FEEDBACK_CHAT_WORKER_KEY: "fcw_test",
      FEEDBACK_CHAT_DATA: dataFolder,
      FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(["node", "-e", script]),
      FEEDBACK_CHAT_FIGURES_SCALE: "0.1",
      GITHUB_TOKEN: github.addToken({ login: "bot" }),
      ...change,
    },
  });
  const lines: { event: string; code?: string; reason?: string; port?: number }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const worker = {
    lines,
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    pid: child.pid,
  };
  workers.push(worker);
  return worker;
}

function addJob(change: Parameters<typeof server.addJob>[0] = {}): ServedJob {
  const { id, fullName, cloneUrl } = repository;
  return server.addJob({
    repository: { id, fullName, cloneUrl, apiUrl: github.url, isPrivate: false },
    settings: runSettings.parse({ publish: "auto" }),
    ...change,
  });
}

function processesNamed(name: string): number {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).startsWith(name)).length;
}
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch (error) {
    ignoring("ENOENT", "ESRCH")(error);
    return "";
  }
}

describe("a worker process", () => {
  it("takes a job from issue to pull request, with --once, and exits with its outcome", async () => {
    const job = addJob();
    const worker = startWorker(repair, { FEEDBACK_CHAT_ONCE: "1" });
    expect(await worker.ended, JSON.stringify(worker.lines)).toBe(0);
    expect(job.ending, JSON.stringify(job.lines)).toMatchObject({
      verb: "complete",
      body: { outcome: { kind: "published" } },
    });
    expect(github.lookAt(repo).pulls).toHaveLength(1);
    expect([...job.artifacts.keys()].toSorted()).toEqual(["diff.patch", "evidence.json", "tree.json", "tree.pack"]);
    const phases = job.events.filter(({ event }) => event === "phase_started").map(({ phase }) => phase);
    expect(phases).toEqual(["snapshot", "clone", "deps", "agent", "collect", "validate", "hold", "publish"]);
  });

  it("publishes what was approved from its artifacts, without an agent", async () => {
    const first = addJob({ origin: "public" });
    const make = startWorker(repair, { FEEDBACK_CHAT_ONCE: "1" });
    expect(await make.ended, JSON.stringify(first.lines)).toBe(8);
    expect(first.ending).toMatchObject({
      verb: "wait",
      body: { for: "approval", resumeAt: "publish" },
    });
    expect(github.lookAt(repo).pulls).toHaveLength(0);
    const second = addJob({
      origin: "public",
      resumeAt: "publish",
      artifacts: [...first.artifacts.keys()],
      approvedBy: "ada",
    });
    for (const [name, bytes] of first.artifacts) second.artifacts.set(name, bytes);
    const publish = startWorker("throw new Error('no agent now')", { FEEDBACK_CHAT_ONCE: "1" });
    expect(await publish.ended, JSON.stringify(second.lines)).toBe(0);
    expect(second.events.map(({ phase }) => phase)).not.toContain("agent");
    expect(github.lookAt(repo).pulls).toHaveLength(1);
  });

  it("sends each line within a second: kill -9 loses no more than that, and leaves no process", async () => {
    const job = addJob();
    const worker = startWorker(endless, { FEEDBACK_CHAT_FIGURES_SCALE: "1" });
    await vi.waitFor(() => expect(job.lines.length, JSON.stringify(worker.lines)).toBeGreaterThan(40), soon);
    const newest = job.lines.at(-1)?.at ?? "";
    expect(Date.now() - Date.parse(newest)).toBeLessThan(1_000);
    worker.kill("SIGKILL");
    await worker.ended;
    await vi.waitFor(() => expect(processesNamed("endless-agent")).toBe(0), soon);
  });

  it("is 0 after SIGTERM: the job ends as it would, renewed to its end", async () => {
    const job = addJob();
    const worker = startWorker(`setTimeout(() => { ${repair} }, 1_500); console.log("begun");`);
    await vi.waitFor(() => expect(job.lines.some(({ message }) => message === "begun")).toBe(true), soon);
    worker.kill("SIGTERM");
    const later = addJob();
    expect(await worker.ended, JSON.stringify(worker.lines)).toBe(0);
    expect(job.ending?.verb, JSON.stringify(job.lines)).toBe("complete");
    expect(later.attempt).toBe(0);
  });

  it("gives the job back at once on a second signal, with no child left", async () => {
    const job = addJob();
    const worker = startWorker(endless);
    await vi.waitFor(() => expect(processesNamed("endless-agent")).toBe(1), soon);
    worker.kill("SIGTERM");
    await vi.waitFor(() => expect(worker.lines.some(({ event }) => event === "worker.draining")).toBe(true), soon);
    worker.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
    expect(job).toMatchObject({ status: "pending", ending: { verb: "release" } });
    expect(processesNamed("endless-agent")).toBe(0);
    for (const place of ["jobs", "s", "runs"]) expect(await readdir(join(dataFolder, place)), place).toEqual([]);
  });

  it("writes nothing after it slept through its lease", async () => {
    const job = addJob();
    const worker = startWorker(endless);
    await vi.waitFor(() => expect(job.lines.length).toBeGreaterThan(5), soon);
    worker.kill("SIGSTOP");
    server.fence(job);
    const sent = job.lines.length;
    const requests = server.requests.length;
    worker.kill("SIGCONT");
    await vi.waitFor(() => expect(worker.lines.some(({ event }) => event === "job.ended")).toBe(true), soon);
    expect(job.lines.length).toBe(sent);
    expect(job.ending).toBeNull();
    expect(server.requests.length).toBeGreaterThan(requests);
    await vi.waitFor(() => expect(processesNamed("endless-agent")).toBe(0), soon);
  });

  it("tells its health and its numbers on loopback", async () => {
    addJob();
    const worker = startWorker(repair, { FEEDBACK_CHAT_HEALTH_PORT: "0" });
    const listens = await vi.waitUntil(() => worker.lines.find(({ event }) => event === "worker.health_listens"), soon);
    const address = `http://127.0.0.1:${listens.port}`;
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${address}/metrics`)).text();
      expect(metrics).toContain('feedback_chat_worker_jobs_ended_total{end="published"} 1');
    }, soon);
    expect(await (await fetch(`${address}/healthz`)).json()).toEqual({
      ok: true,
      running: 0,
      draining: false,
    });
    expect((await fetch(`${address}/else`)).status).toBe(404);
  });

  const refusals: [string, Record<string, string>, number, string][] = [
    ["its key is not known", { FEEDBACK_CHAT_WORKER_KEY: "fcw_wrong" }, 78, "unauthenticated"],
    ["bubblewrap is missing", { FEEDBACK_CHAT_BWRAP_PATH: "/nowhere/bwrap" }, 78, "sandbox_unavailable"],
    [
      "its engine is missing",
      { FEEDBACK_CHAT_ENGINE_COMMAND: "", FEEDBACK_CHAT_ENGINE_PATH: "/nowhere/claude" },
      78,
      "engine_missing",
    ],
    ["no address is set", { FEEDBACK_CHAT_URL: "" }, 2, "missing_key"],
  ];
  it.each(refusals)("says why it ends when %s", async (_why, environment, exitCode, code) => {
    const worker = startWorker(repair, environment);
    expect(await worker.ended).toBe(exitCode);
    expect(worker.lines.at(-1)).toMatchObject({ event: "worker.ended", code });
  });
});
