import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { insidePaths } from "../core/inside-paths.ts";
import type { Engine } from "../ports/engine.ts";
import type { Sandbox, SandboxFacts, SandboxJob } from "../ports/sandbox.ts";
import { ignoring } from "../platform/ignoring.ts";
import { probeEngineSocket } from "./probe-engine-socket.ts";
import { listen, plantCanaries } from "./self-test-plants.ts";
import { probeRows, type ProbeRow } from "./self-test-probes.ts";
import { tryDescriptors } from "./self-test-descriptors.ts";
import { tryLimitsOf } from "./self-test-limits.ts";
import { runTry, specFor } from "./self-test-run.ts";
import { daemonCommand, selfTestScript } from "./self-test-script.ts";

export type SelfTestDeps = {
  sandbox: Sandbox;
  /** A folder of the host's that no sandbox may see, such as the system's temporary one. */
  tempFolder: string;
  /** Claude Code, prepared; null = its socket is not tried. */
  engine: Engine | null;
};
export type Probe = {
  id: string;
  title: string;
  status: "pass" | "fail" | "skipped";
  detail: string;
  /** What shows that the try would have been noticed, had it come through. */
  control: string;
  remedy: string;
};
export type SelfTest = { ok: boolean; facts: SandboxFacts; probes: Probe[] };

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
    hostPid: plants.hostPid,
    otherFolder: sibling.treeFolder,
    loopbackPort: plants.loopbackPort,
    seccompFilters: plants.seccompFilters,
    abstractName: plants.abstractName,
    socketPath: `${insidePaths.sockets}/probe.sock`,
    writeTo: ["/", "/usr", "/etc", "/opt/node", "/dev", insidePaths.sockets],
    ownMounts: Object.values(insidePaths),
  };
  const results = new Map<string, string>([
    ...(await tryInside(job, selfTestScript(plan))),
    ["daemon", await tryDaemon(job, canary)],
    ["descriptors", await tryDescriptors(job)],
    ...(await tryLimitsOf(job)),
    ...(deps.engine === null ? [] : [["engine_socket", await probeEngineSocket(job, deps.engine)] as const]),
  ]);
  const isContainer = facts.mechanism === "container";
  const probes = probeRows.map(({ remedy, ...row }) => {
    const own = isContainer ? remedy.container : remedy.bubblewrap;
    return judge({ ...row, remedy: own }, results.get(row.id), deps.engine === null);
  });
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

type Row = Omit<ProbeRow, "remedy"> & { remedy: string };

function judge({ expected, remedy, ...row }: Row, result: string | undefined, hasNoEngine: boolean): Probe {
  if (row.id === "engine_socket" && hasNoEngine)
    return {
      ...row,
      status: "skipped",
      detail: "Claude Code is not installed here, or another engine is set",
      remedy: "",
    };
  if (result === undefined)
    return { ...row, status: "fail", detail: "it was not heard of: the test inside ended early", remedy };
  if (expected.includes(result)) return { ...row, status: "pass", detail: result, remedy: "" };
  return { ...row, status: "fail", detail: `${result} (expected ${expected.join(" or ")})`, remedy };
}

async function tryInside(job: SandboxJob, script: string): Promise<[string, string][]> {
  const { output } = await runTry(job, { argv: ["node", "-"], stdin: script, hasModelSocket: true });
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const { id, result } = JSON.parse(line) as { id: string; result: string };
      return [id, result];
    });
}

async function tryDaemon(job: SandboxJob, canary: string): Promise<string> {
  const mark = `daemon-${canary.slice(0, 12)}`;
  const { output, end } = await runTry(job, { argv: daemonCommand(mark) });
  if (end.exitCode !== 0 || !/^\d+\s*$/.test(output)) return `not started: ${end.detail}`;
  return listProcesses().some((pid) => factOf(pid, "cmdline").includes(mark)) ? "still runs" : "gone";
}

function listProcesses(): string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid));
}

function factOf(pid: string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
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
  const isSeen = listProcesses().some((pid) => factOf(pid, "environ").includes(`SIBLING_CANARY=${canary}`));
  if (isSeen && readFileSync(join(job.treeFolder, "secret"), "utf8") === canary) return job;
  await job[Symbol.asyncDispose]();
  throw new Error("the planted job cannot be seen outside");
}

async function proxySocket(job: SandboxJob): Promise<AsyncDisposable> {
  const path = join(job.socketFolder, "probe.sock");
  const server = await listen((listener, ready) => listener.listen(path, ready), "proxy");
  await chmod(path, 0o666);
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
