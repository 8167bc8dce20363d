import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { bubblewrap, machineUidFolder, type BubblewrapDeps } from "../src/sandboxes/bubblewrap.ts";
import type { Sandbox, SandboxEnd, SandboxJob, SandboxLimits, SandboxSpec } from "../src/ports/sandbox.ts";

export const limits: SandboxLimits = {
  wallSeconds: 20,
  memoryBytes: 1024 ** 3,
  processes: 256,
  fileBytes: 64e6,
  scratchBytes: 64e6,
};

/** A real sandbox with folders of its own. Short paths: a socket's has room for 107 bytes. */
export async function openSandbox(
  extra: Partial<BubblewrapDeps> = {},
): Promise<{ sandbox: Sandbox; rootFolder: string } & AsyncDisposable> {
  const rootFolder = await mkdtemp("/tmp/fc-");
  const sandbox = bubblewrap({
    uidFolder: machineUidFolder,
    rootFolder,
    userId: process.getuid?.() ?? 0,
    nodePath: process.execPath,
    npmFolder: null,
    ...extra,
  });
  return {
    sandbox,
    rootFolder,
    [Symbol.asyncDispose]: () => rm(rootFolder, { recursive: true, force: true }),
  };
}

export type Inside = { output: string; errors: string; end: SandboxEnd };

/** Runs one command to its end and keeps what it said. */
export async function inside(job: SandboxJob, argv: string[], spec: Partial<SandboxSpec> = {}): Promise<Inside> {
  const run = job.run({
    argv,
    env: {},
    stdin: "",
    readOnlyMounts: [],
    limits,
    signal: new AbortController().signal,
    ...spec,
  });
  const [output, errors, end] = await Promise.all([
    text(run.stdout as Readable),
    text(run.stderr as Readable),
    run.ended,
  ]);
  return { output, errors, end };
}

/** The same for a program given as JavaScript. */
export function insideNode(job: SandboxJob, script: string, spec: Partial<SandboxSpec> = {}): Promise<Inside> {
  return inside(job, ["node", "-"], { stdin: script, ...spec });
}

/** Another worker's process, which holds a job at slot 71 in bubblewrap, or in a container of that podman. */
export function holdSandbox(rootFolder: string, mark: string, podmanPath?: string) {
  const program = fileURLToPath(new URL("fixtures/hold-sandbox.ts", import.meta.url));
  const argv = ["--conditions=source", program, rootFolder, mark, ...(podmanPath === undefined ? [] : [podmanPath])];
  return spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
}

/** Looks again until it holds, for what another process does. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  for (const start = performance.now(); !(await holds());) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
