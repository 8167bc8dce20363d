import { join } from "node:path";
import { execa } from "execa";
import { Problem } from "@feedback-chat/protocol/problem";
import { insidePaths } from "../core/inside-paths.ts";
import type { Architecture } from "../core/refused-calls.ts";
import { isKnownArchitecture, seccompProgram } from "../core/seccomp-program.ts";
import type { Sandbox, SandboxFacts, SandboxJob, SandboxLimits, SandboxSpec } from "../ports/sandbox.ts";
import { bwrapArguments } from "./bwrap-arguments.ts";
import { insideNode, installTools, type Toolchain } from "./install-tools.ts";
import {
  makeJobFolders,
  makeRoot,
  ownTree,
  readRegularFile,
  replaceFile,
  sweepJobFolders,
  type JobFolders,
} from "./job-folders.ts";
import { argsFd, runInside, seccompFd, statusFd, wallsFailed } from "./run-inside.ts";

export type BubblewrapDeps = {
  /** See `sandboxRootFor`. All folders of jobs and the mounted tools lie below it. */
  rootFolder: string;
  /** Of the worker: 0 makes every job an unprivileged user of its own. */
  userId: number;
  /** The Node that runs us; it is put below `rootFolder` once and mounted from there. */
  nodePath: string;
  /** See `findNpm`; null = checks that need npm say that it is missing. */
  npmFolder: string | null;
  /** Default: found by the system on its own search path. */
  bwrapPath?: string;
  /** One for the whole machine: two workers must never give two jobs the same uid. */
  uidFolder: string;
};

/** Gone with the next boot, as are the processes that it speaks of. */
export const machineUidFolder = "/run/feedback-chat/uids";

/** Where the sandbox keeps its folders: below a home only for the user whose home it is. */
export function sandboxRootFor({ userId, stateHome }: { userId: number; stateHome: string }): string {
  return userId === 0 ? "/var/lib/feedback-chat" : join(stateHome, "feedback-chat", "sandbox");
}

/** The walls by bubblewrap. Measured: 10 ms a start, and a killed one leaves nothing within 60 ms. */
export function bubblewrap(deps: BubblewrapDeps): Sandbox {
  return {
    id: "bubblewrap",
    probe: () => probe(deps),
    open: (job) => openJob(deps, job),
    async sweep() {
      await makeRoot(deps);
      return { removed: await sweepJobFolders(deps) };
    },
  };
}

async function openJob(deps: BubblewrapDeps, job: { name: string; slot: number }): Promise<SandboxJob> {
  const seccomp = seccompProgram(requireLinux());
  await makeRoot(deps);
  const tools = await installTools(deps);
  const folders = await makeJobFolders(deps, job);
  const stop = new AbortController();
  const running = new Set<Promise<unknown>>();
  const taskPath = (name: string) => join(folders.taskFolder, plainName(name));

  return {
    treeFolder: folders.treeFolder,
    taskFolder: folders.taskFolder,
    socketFolder: folders.socketFolder,
    own: (folder) => ownTree(deps, folders.uid, folder),
    writeTask: (name, content) => replaceFile(taskPath(name), content, deps.userId === 0 ? folders.uid : null),
    readTask: (name, maxBytes) => readRegularFile(taskPath(name), maxBytes),
    run(spec) {
      const signal = AbortSignal.any([spec.signal, stop.signal]);
      const run = runInside(launchOf({ deps, tools, folders, seccomp }, spec), { ...spec, signal });
      const settled = run.ended.then(
        () => undefined,
        () => undefined,
      ); // the caller of `run` gets the failure
      running.add(settled);
      void settled.then(() => running.delete(settled));
      return run;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the job was closed"));
      await Promise.all(running);
      await folders.remove();
    },
  };
}

type Job = { deps: BubblewrapDeps; tools: Toolchain; folders: JobFolders; seccomp: Uint8Array };

function launchOf({ deps, tools, folders, seccomp }: Job, spec: SandboxSpec) {
  const bwrapArgs = bwrapArguments({
    system: tools.system,
    etc: tools.etc,
    tree: { host: folders.treeFolder, isReadOnly: spec.isTreeReadOnly === true },
    taskFolder: folders.taskFolder,
    socketFolder: spec.hasModelSocket ? folders.socketFolder : null,
    readOnlyMounts: [tools.node, ...spec.readOnlyMounts],
    scratchBytes: spec.limits.scratchBytes,
    workingFolder: spec.workingFolder ?? insidePaths.tree,
    env: {
      PATH: `${insideNode}/bin:/usr/local/bin:/usr/bin:/bin`,
      HOME: insidePaths.home,
      LANG: "C.UTF-8",
      TMPDIR: "/tmp",
      ...spec.env,
    },
    statusFd,
    seccompFd,
  });
  const bwrap = [deps.bwrapPath ?? "bwrap", "--args", String(argsFd), "--", ...limitPrefix(spec.limits), ...spec.argv];
  return { ...asUser(deps, folders.uid, bwrap), bwrapArgs, seccomp, treeFolder: folders.treeFolder };
}

/** Set inside, where the user namespace counts its own processes: other jobs of the same user do not count. */
function limitPrefix(limits: SandboxLimits): string[] {
  const seconds = Math.ceil(limits.wallSeconds) * 4; // of processor time, for each process and all its threads
  return [
    "prlimit",
    "--core=0",
    `--fsize=${limits.fileBytes}`,
    `--nproc=${limits.processes}`,
    `--cpu=${seconds}`,
    "--",
  ];
}

/** Started by root, inner 1000 would be the host's 0: the uid is dropped before bwrap starts. */
function asUser({ userId }: { userId: number }, uid: number, argv: string[]): { command: string; args: string[] } {
  const [command = "", ...args] = argv;
  if (userId !== 0) return { command, args };
  return {
    command: "setpriv",
    args: [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--", ...argv],
  };
}

async function probe(deps: BubblewrapDeps): Promise<SandboxFacts> {
  requireLinux();
  const bwrapPath = deps.bwrapPath ?? "bwrap";
  const asked = await execa(bwrapPath, ["--version"], { env: {}, extendEnv: false, reject: false });
  if (asked.exitCode !== 0) {
    throw new Problem("sandbox_unavailable", "bubblewrap (bwrap) is not installed on this machine.", {
      next: "Install it: `apt-get install -y bubblewrap`.",
    });
  }
  await using job = await openJob(deps, { name: "probe", slot: 900 });
  const run = job.run({
    argv: ["true"],
    env: {},
    stdin: "",
    readOnlyMounts: [],
    limits: probeLimits,
    signal: new AbortController().signal,
  });
  const ended = await run.ended;
  if (ended.exitCode !== 0) throw wallsFailed(`bwrap: ${ended.detail}`, ended.exitCode);
  const runsAs = deps.userId === 0 ? 200_000 : deps.userId;
  return {
    mechanism: "bubblewrap",
    version: asked.stdout.replace(/^\D+/, "").trim(),
    runsAs,
    limits: limitMechanisms,
  };
}

/** For `check --sandbox`. No cgroup: none was seen to kill a hog without rights that a worker should not have. */
export const limitMechanisms: SandboxFacts["limits"] = {
  memory: "sum of resident memory, looked at each 200 ms",
  processes: "prlimit in a user namespace of the job's own, and their sum each 200 ms",
  files: "prlimit on the size of a file",
  disk: "tmpfs of fixed size for HOME, tmp and shm; the work tree's growth is looked at each 200 ms",
  processor: "prlimit for each process, the wall clock for all, lower priority than the worker",
};

const probeLimits: SandboxLimits = {
  wallSeconds: 20,
  memoryBytes: 256e6,
  processes: 64,
  fileBytes: 1e6,
  scratchBytes: 8e6,
};

function requireLinux(): Architecture {
  if (process.platform === "linux" && isKnownArchitecture(process.arch)) return process.arch;
  throw new Problem(
    "sandbox_unavailable",
    `There is no sandbox for ${process.platform} on ${process.arch} in this version.`,
    {
      next: "Run the worker on Linux (x64 or arm64) with bubblewrap: a virtual machine or a server will do.",
    },
  );
}

function plainName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) throw new RangeError(`no name for a file of the task: ${name}`);
  return name;
}
