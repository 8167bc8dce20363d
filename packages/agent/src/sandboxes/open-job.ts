import { join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { insidePaths } from "../core/inside-paths.ts";
import type { Architecture } from "../core/refused-calls.ts";
import { isKnownArchitecture } from "../core/seccomp-program.ts";
import type { JobName, SandboxEnd, SandboxJob, SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import type { Walls } from "./bwrap-arguments.ts";
import { insideNode, installTools, type Toolchain } from "./install-tools.ts";
import type { Layering, LayeringOnce } from "./find-layering.ts";
import { makeJobFolders, makeRoot, ownTree, readRegularFile, replaceFile, type JobFolders } from "./job-folders.ts";
import { openLayerFolders, type LayerWalls } from "./layer-folders.ts";

/** What every mechanism needs of this machine. */
export type JobDeps = {
  /** See `sandboxRootFor`. All folders of jobs and the mounted tools lie below it. */
  rootFolder: string;
  /** Of the worker: 0 makes every job an unprivileged user of its own. */
  userId: number;
  /** The Node that runs us; it is put below `rootFolder` once and mounted from there. */
  nodePath: string;
  /** See `findNpm`; null = checks that need npm say that it is missing. */
  npmFolder: string | null;
  /** One for the whole machine: two workers must never give two jobs the same uid. */
  uidFolder: string;
};
export type JobPlace = {
  tools: Toolchain;
  folders: JobFolders;
  layering: Layering;
  /** The folders over the layers of a run. */
  layersOf: (spec: Pick<SandboxSpec, "layers">) => LayerWalls[];
};

/** The folders of one job and what runs in them, whatever starts it. Closing ends that first. */
export async function openSandboxJob(
  deps: JobDeps & { layering: LayeringOnce },
  job: JobName,
  starter: (place: JobPlace) => (spec: SandboxSpec) => SandboxRun,
): Promise<SandboxJob> {
  await makeRoot(deps);
  const tools = await installTools(deps);
  const folders = await makeJobFolders(deps, job);
  const layering = await deps.layering.find({ userId: deps.userId, ...folders });
  const layersOf = openLayerFolders({ ...folders, layering, owner: deps.userId === 0 ? folders.uid : null });
  const place = {
    tools,
    folders,
    layering,
    layersOf: (spec: Pick<SandboxSpec, "layers">) => layersOf(spec.layers ?? []),
  };
  const start = starter(place);
  const stop = new AbortController();
  const running = new Set<Promise<unknown>>();
  const taskPath = (name: string) => join(folders.taskFolder, plainName(name));

  return {
    uid: folders.uid,
    treeFolder: folders.treeFolder,
    taskFolder: folders.taskFolder,
    socketFolder: folders.socketFolder,
    own: (folder) => ownTree(deps, folders.uid, folder),
    writeTask: (name, content) => replaceFile(taskPath(name), content, deps.userId === 0 ? folders.uid : null),
    readTask: (name, maxBytes) => readRegularFile(taskPath(name), maxBytes),
    run(spec) {
      const run = start({ ...spec, signal: AbortSignal.any([spec.signal, stop.signal]) });
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

/** What is seen inside, the same for every mechanism. */
export function wallsOf({ tools, folders, layersOf }: JobPlace, spec: SandboxSpec): Walls {
  return {
    system: tools.system,
    etc: tools.etc,
    tree: { host: folders.treeFolder, isReadOnly: spec.isTreeReadOnly === true },
    taskFolder: folders.taskFolder,
    socketFolder: spec.hasModelSocket ? folders.socketFolder : null,
    layers: layersOf(spec),
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
  };
}

/** For `check --sandbox`: a user that a job here may run as. */
export function lowestUid({ userId }: { userId: number }): number {
  return userId === 0 ? 200_000 : userId;
}

/** Whether the walls can be built at all. */
export function runNothing(job: SandboxJob): Promise<SandboxEnd> {
  const limits = { wallSeconds: 20, memoryBytes: 256e6, processes: 64, fileBytes: 1e6, scratchBytes: 8e6 };
  const signal = new AbortController().signal;
  return job.run({ argv: ["true"], env: {}, stdin: "", readOnlyMounts: [], limits, signal }).ended;
}

export function requireLinux(): Architecture {
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
