import { join } from "node:path";
import { execa } from "execa";
import { Problem } from "@feedback-chat/protocol/problem";
import { seccompProgram } from "../core/seccomp-program.ts";
import type { JobName, Sandbox, SandboxFacts, SandboxJob, SandboxLimits, SandboxSpec } from "../ports/sandbox.ts";
import { asUser } from "./as-user.ts";
import { bwrapArguments } from "./bwrap-arguments.ts";
import { layeringOnce, mountedFor, type LayeringOnce } from "./find-layering.ts";
import { makeRoot, sweepJobFolders } from "./job-folders.ts";
import {
  lowestUid,
  openSandboxJob,
  requireLinux,
  runNothing,
  wallsOf,
  type JobDeps,
  type JobPlace,
} from "./open-job.ts";
import { argsFd, runInside, seccompFd, statusFd, wallsFailed, type Launch } from "./run-inside.ts";

export type BubblewrapDeps = JobDeps & {
  /** Default: found by the system on its own search path. */
  bwrapPath?: string;
  /** Default: tried on this machine. */
  layering?: LayeringOnce;
};

/** Gone with the next boot, as are the processes that it speaks of. */
export const machineUidFolder = "/run/feedback-chat/uids";

/** Where the sandbox keeps its folders: below a home only for the user whose home it is. */
export function sandboxRootFor({ userId, stateHome }: { userId: number; stateHome: string }): string {
  return userId === 0 ? "/var/lib/feedback-chat" : join(stateHome, "feedback-chat", "sandbox");
}

/** The walls by bubblewrap. Measured: 10 ms a start, and a killed one leaves nothing within 60 ms. */
export function bubblewrap(machine: BubblewrapDeps): Sandbox {
  const ways = machine.userId === 0 ? (["root", "user"] as const) : (["user"] as const);
  const deps = { ...machine, layering: machine.layering ?? layeringOnce(ways) };
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

type Deps = BubblewrapDeps & { layering: LayeringOnce };

function openJob(deps: Deps, job: JobName): Promise<SandboxJob> {
  const seccomp = seccompProgram(requireLinux());
  return openSandboxJob(deps, job, (place) => (spec) => runInside(launchOf({ deps, seccomp, ...place }, spec), spec));
}

type Job = JobPlace & { deps: BubblewrapDeps; seccomp: Uint8Array };

function launchOf({ deps, seccomp, ...place }: Job, spec: SandboxSpec): Launch {
  const { folders, layering } = place;
  const walls = wallsOf(place, spec);
  const bwrapArgs = bwrapArguments({ ...walls, statusFd, seccompFd });
  const bwrap = [deps.bwrapPath ?? "bwrap", "--args", String(argsFd), "--", ...limitPrefix(spec.limits), ...spec.argv];
  const launch = { bwrapArgs, seccomp, treeFolder: folders.treeFolder };
  if (walls.layers.length === 0 || layering.way === "caches")
    return { ...launch, ...asUser(deps, folders.uid, bwrap), workingFolder: "/" };
  const numbers = walls.layers.map(({ number }) => number);
  const mounted = mountedFor(layering.by, { userId: deps.userId, uid: folders.uid }, { numbers, argv: bwrap });
  return { ...launch, ...mounted, workingFolder: folders.layersFolder };
}

/**
 * Limits are set inside, where the user namespace counts its own processes: other jobs of the same user do not count.
 * The umask is always 022: another job's user has to read the layers, and builds must not depend on the worker's.
 */
function limitPrefix(limits: SandboxLimits): string[] {
  const seconds = Math.ceil(limits.wallSeconds) * 4; // of processor time, for each process and all its threads
  return [
    ...["/bin/sh", "-c", 'umask 022; exec "$@"', "sh"],
    "prlimit",
    "--core=0",
    `--fsize=${limits.fileBytes}`,
    `--nproc=${limits.processes}`,
    `--cpu=${seconds}`,
    "--",
  ];
}

async function probe(deps: Deps): Promise<SandboxFacts> {
  requireLinux();
  const bwrapPath = deps.bwrapPath ?? "bwrap";
  const asked = await execa(bwrapPath, ["--version"], { env: {}, extendEnv: false, reject: false });
  if (asked.exitCode !== 0) {
    throw new Problem("sandbox_unavailable", "bubblewrap (bwrap) is not installed on this machine.", {
      next: "Install it: `apt-get install -y bubblewrap`.",
    });
  }
  await using job = await openJob(deps, { name: "probe", slot: 900 });
  const ended = await runNothing(job);
  if (ended.exitCode !== 0) throw wallsFailed(`bwrap: ${ended.detail}`, ended.exitCode);
  return {
    mechanism: "bubblewrap",
    version: asked.stdout.replace(/^\D+/, "").trim(),
    runsAs: lowestUid(deps),
    limits: limitMechanisms,
    layers: await deps.layering.told(),
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
