import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { insidePaths } from "../core/inside-paths.ts";
import type { Engine } from "../ports/engine.ts";
import type { Sandbox, SandboxFacts, SandboxJob, SandboxLimits, SandboxSpec } from "../ports/sandbox.ts";
import { ignoring } from "../platform/ignoring.ts";
import { probeEngineSocket } from "./probe-engine-socket.ts";
import { listen, plantCanaries } from "./self-test-plants.ts";
import { probeRows, type ProbeRow } from "./self-test-probes.ts";
import { daemonCommand, forksScript, selfTestScript } from "./self-test-script.ts";

export type SelfTestDeps = {
  sandbox: Sandbox;
  /** A folder of the host's that no sandbox may see, such as the system's temporary one. */
  tempFolder: string;
  /** Prepared; null = its socket is not tried. */
  engine: Engine | null;
};
export type Probe = {
  id: string;
  title: string;
  status: "pass" | "fail" | "skipped";
  detail: string;
  remedy: string;
};
export type SelfTest = { ok: boolean; facts: SandboxFacts; probes: Probe[] };

const limits: SandboxLimits = {
  wallSeconds: 30,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  fileBytes: 64e6,
  scratchBytes: 64e6,
};

/**
 * Tries to get out, with plants that can be found from outside, and says of each try whether it failed for the
 * right reason. What was not heard of counts as failed: a worker takes no lease unless `ok`.
 * @throws Problem sandbox_unavailable when there are no walls at all; its next step says what to install.
 */
export async function selfTest(deps: SelfTestDeps): Promise<SelfTest> {
  const facts = await deps.sandbox.probe();
  const canary = randomBytes(24).toString("hex");
  const slot = 950;
  await using plants = await plantCanaries({ tempFolder: deps.tempFolder, canary });
  await using sibling = await openSibling(deps.sandbox, { canary, slot: slot + 1 });
  await using job = await deps.sandbox.open({ name: "self-test", slot });
  await using _socket = await proxySocket(job);
  const plan = {
    canary,
    hostFile: plants.hostFile,
    otherFolder: sibling.treeFolder,
    loopbackPort: plants.loopbackPort,
    abstractName: plants.abstractName,
    socketPath: `${insidePaths.sockets}/probe.sock`,
    writeTo: ["/", "/usr", "/etc", "/opt/node", "/dev", insidePaths.sockets],
  };
  const results = new Map<string, string>([
    ...(await tryInside(job, selfTestScript(plan))),
    ["daemon", await tryDaemon(job, canary)],
    ["forks", await tryForks(job)],
    ...(deps.engine === null ? [] : [["engine_socket", await probeEngineSocket(job, deps.engine)] as const]),
  ]);
  const probes = probeRows.map((row) => judge(row, results.get(row.id), deps.engine === null));
  return { ok: probes.every(({ status }) => status !== "fail"), facts, probes };
}

/** @throws Problem sandbox_leaks, naming each probe that failed and what to do about the first. */
export function requireWalls(test: SelfTest): void {
  const failed = test.probes.filter(({ status }) => status === "fail");
  const [first] = failed;
  if (test.ok || !first) return;
  const named = failed.map(({ title, detail }) => `${title}: ${detail}`).join("; ");
  throw new Problem("sandbox_leaks", `The sandbox's self-test failed: ${named}.`, {
    next: first.remedy,
    facts: { failed: failed.map(({ id }) => id) },
  });
}

function judge(row: ProbeRow, result: string | undefined, hasNoEngine: boolean): Probe {
  const { id, title, expected, remedy } = row;
  if (id === "engine_socket" && hasNoEngine)
    return { id, title, status: "skipped", detail: "no engine was given", remedy: "" };
  if (result === undefined)
    return {
      id,
      title,
      status: "fail",
      detail: "it was not heard of: the test inside ended early",
      remedy,
    };
  if (expected.includes(result)) return { id, title, status: "pass", detail: result, remedy: "" };
  return {
    id,
    title,
    status: "fail",
    detail: `${result} (expected ${expected.join(" or ")})`,
    remedy,
  };
}

async function tryInside(job: SandboxJob, script: string): Promise<[string, string][]> {
  const { output } = await run(job, { argv: ["node", "-"], stdin: script, hasModelSocket: true });
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const { id, result } = JSON.parse(line) as { id: string; result: string };
      return [id, result];
    });
}

async function tryForks(job: SandboxJob): Promise<string> {
  const { output, end } = await run(job, { argv: ["node", "-"], stdin: forksScript });
  return end.by === "resources" || /limited by EAGAIN/.test(output)
    ? "limited"
    : `${end.by}: ${output.trim().slice(0, 100) || end.detail}`;
}

async function tryDaemon(job: SandboxJob, canary: string): Promise<string> {
  const mark = `daemon-${canary.slice(0, 12)}`;
  const { output, end } = await run(job, { argv: daemonCommand(mark) });
  if (end.exitCode !== 0 || !/^\d+\s*$/.test(output)) return `not started: ${end.detail}`;
  return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(mark)) ? "still runs" : "gone";
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch (error) {
    ignoring("ENOENT", "ESRCH", "EACCES")(error);
    return "";
  }
}

/** Another job at work, with the word in its environment, its arguments and its folder. */
async function openSibling(sandbox: Sandbox, { canary, slot }: { canary: string; slot: number }): Promise<SandboxJob> {
  const job = await sandbox.open({ name: "self-test-sibling", slot });
  await writeFile(join(job.treeFolder, "secret"), canary);
  await job.own(job.treeFolder);
  const started = job.run(
    specFor({
      argv: ["sh", "-c", "echo ready; sleep 60", canary],
      env: { SIBLING_CANARY: canary },
    }),
  );
  for await (const _ready of started.stdout) break;
  return job;
}

async function proxySocket(job: SandboxJob): Promise<AsyncDisposable> {
  const path = join(job.socketFolder, "probe.sock");
  const server = await listen((listener, ready) => listener.listen(path, ready), "proxy");
  await chmod(path, 0o666);
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

type Tried = { output: string; end: Awaited<ReturnType<SandboxJob["run"]>["ended"]> };

async function run(job: SandboxJob, spec: Partial<SandboxSpec>): Promise<Tried> {
  const started = job.run(specFor(spec));
  const [output, , end] = await Promise.all([readAll(started.stdout), readAll(started.stderr), started.ended]);
  return { output, end };
}

function specFor(spec: Partial<SandboxSpec>): SandboxSpec {
  return {
    argv: [],
    env: {},
    stdin: "",
    readOnlyMounts: [],
    limits,
    signal: new AbortController().signal,
    ...spec,
  };
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (text.length < 1e6) text += Buffer.from(chunk).toString("utf8");
  return text;
}
