import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Problem } from "@feedback-chat/protocol/problem";
import { seccompProfile } from "../core/seccomp-profile.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import { asUser } from "./as-user.ts";
import type { Walls } from "./bwrap-arguments.ts";
import { feed, followRun, lowerPriority, neverStarted, tail, type FirstProcess } from "./follow-run.ts";
import { removeTree } from "./job-folders.ts";
import { killIfThere } from "./kill-if-there.ts";
import { wallsOf, type JobPlace } from "./open-job.ts";
import {
  insideCommand,
  podmanArguments,
  podmanConfig,
  podmanEnvironment,
  type PodmanFiles,
} from "./podman-arguments.ts";
import { isOwned, ownerIn, ownerName } from "./process-owner.ts";
import { isAlive, processesOf, readProcess } from "./process-table.ts";
import { isSandboxUid } from "./sandbox-uids.ts";
import { spawnWithoutInheritance } from "./spawn-without-inheritance.ts";

const runPrefix = "fc-podman.";

/** Ends and removes the runs whose worker is gone: only those of ours, as anybody may make such a name in /tmp. */
export async function sweepRuns({ userId }: { userId: number }): Promise<string[]> {
  const removed: string[] = [];
  for (const name of readdirSync("/tmp").filter((one) => one.startsWith(runPrefix) && !isOwned(ownerIn(one)))) {
    const folder = join("/tmp", name);
    const uid = lstatSync(folder, { throwIfNoEntry: false })?.uid;
    if (uid === undefined || !(userId === 0 ? isSandboxUid(uid) : uid === userId)) continue;
    endLeft(folder, uid);
    await removeTree(folder);
    removed.push(folder);
  }
  return removed;
}

/** Another process may have the first one's number by now: it is that one only as a child of a helper of its run. */
function endLeft(folder: string, uid: number): void {
  const helpers = processesOf(uid).filter((pid) => worksFor(pid, folder));
  const isChild = (pid: number) => helpers.includes(readProcess(pid)?.parent ?? 0);
  for (const pid of [...processesOf(uid).filter(isChild), ...helpers]) killIfThere(pid);
}

type Deps = { userId: number; podmanPath?: string };

/** Starts the command in a container of its own and tells how it ended, after the last process inside has ended. */
export function runInContainer(deps: Deps, place: JobPlace, spec: SandboxSpec): SandboxRun {
  if (spec.signal.aborted) return neverStarted();
  const { uid, treeFolder } = place.folders;
  const walls = wallsOf(place, spec);
  const files = prepare(deps.userId === 0 ? uid : null, walls);
  const args = podmanArguments({ ...walls, files, limits: spec.limits });
  const program = asUser(deps, uid, [deps.podmanPath ?? "podman", ...args, ...insideCommand(spec.argv)]);
  const child = spawnWithoutInheritance(program.command, program.args, {
    cwd: "/",
    env: podmansOwnEnvironment(files),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stderrTail = tail(child.stderr as Readable);
  feed(child.stdin as Writable, spec.stdin);
  lowerPriority(child);
  const first = watchFirst(files, uid);
  const ended = followRun(child, {
    treeFolder,
    spec,
    stderrTail,
    first,
    wallsFailed: podmanFailed,
    programFailed: (error) => podmanFailed(error.message, null),
  });
  return {
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended: ended.catch(async (error: unknown) => {
      // A podman that could not be started at all leaves its folder too.
      await first.untilGone();
      throw error;
    }),
  };
}

/** Nothing of the worker's, and none of the job's either: a variable may be one that a program obeys. */
function podmansOwnEnvironment({ storeFolder, runtimeFolder, configFile }: PodmanFiles): Record<string, string> {
  const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
  return { PATH, HOME: storeFolder, XDG_RUNTIME_DIR: runtimeFolder, CONTAINERS_CONF: configFile };
}

/** A folder per run, as two may run in one job at a time. podman takes 50 letters for one of them: hence its place. */
function prepare(owner: number | null, walls: Walls): PodmanFiles {
  const own = (path: string) => owner !== null && chownSync(path, owner, owner);
  const top = mkdtempSync(join("/tmp", `${runPrefix}${ownerName(process.pid)}.`));
  own(top);
  const makeFolder = (name: string) => {
    mkdirSync(join(top, name), { mode: 0o700 });
    own(join(top, name));
    return join(top, name);
  };
  const makeFile = (name: string, text: string) => {
    writeFileSync(join(top, name), text, { mode: 0o600, flag: "wx" });
    own(join(top, name));
    return join(top, name);
  };
  const rootfs = makeFolder("rootfs");
  for (const { path, linkTo } of walls.system) if (linkTo !== null) symlinkSync(linkTo, join(rootfs, path));
  return {
    rootfs,
    storeFolder: makeFolder("store"),
    runtimeFolder: makeFolder("run"),
    configFile: makeFile("containers.conf", podmanConfig),
    seccompFile: makeFile("seccomp.json", JSON.stringify(seccompProfile())),
    envFile: makeFile("env", podmanEnvironment(walls.env)),
    pidFile: join(top, "pid"),
  };
}

/**
 * podman writes the number of the first process before it starts the command. Its helpers (one stays to keep the
 * user namespace) are known by the run's own folder, and outlive podman: they are ended with the run.
 */
function watchFirst({ pidFile, runtimeFolder }: PodmanFiles, uid: number): FirstProcess {
  let first: { pid: number; startTicks: string } | null = null;
  let listener: (pid: number) => void = () => undefined;
  const look = () => {
    if (first !== null) return;
    const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, "utf8"), 10) || 0 : 0;
    if (pid === 0) return;
    first = { pid, startTicks: readProcess(pid)?.startTicks ?? "" };
    listener(pid);
  };
  const timer = setInterval(look, 20);
  const isThere = () => first !== null && isAlive(first.pid) && readProcess(first.pid)?.startTicks === first.startTicks;
  const kill = () => {
    look();
    if (first !== null && isThere()) killIfThere(first.pid);
  };
  return {
    onPid: (then) => void (listener = then),
    // What podman leaves is found by the run's folder, at any time.
    whenKnown: Promise.resolve(),
    hasStarted: () => first !== null,
    kill,
    async untilGone() {
      try {
        for (const start = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, 5))) {
          kill();
          const helpers = processesOf(uid).filter((pid) => worksFor(pid, dirname(runtimeFolder)));
          for (const pid of helpers) killIfThere(pid);
          if (!isThere() && helpers.length === 0) break;
          if (performance.now() - start > 10_000) throw new Error(`process ${first?.pid} of a container does not end`);
        }
      } finally {
        clearInterval(timer);
      }
      await removeTree(dirname(runtimeFolder));
    },
  };
}

/** By its arguments, else by its environment, which not every process lets its own user read. */
function worksFor(pid: number, folder: string): boolean {
  return ["cmdline", "environ"].some((file) => readFact(pid, file).includes(`${folder}/`));
}

/** Empty of a process that ended meanwhile, or that may not be looked into: then it is judged by the other fact. */
function readFact(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch (error) {
    ignoring("ENOENT", "ESRCH", "EACCES")(error);
    return "";
  }
}

/** What podman says when it cannot build its walls, and what to do about it. */
export function podmanFailed(stderr: string, code: number | null): Problem {
  const said = stderr.trim().split("\n").at(-1) || `it ended with ${code}`;
  return new Problem("sandbox_unavailable", `podman cannot build the sandbox: ${said.slice(0, 300)}`, {
    next: remedyFor(said),
  });
}

function remedyFor(said: string): string {
  if (/cgroup/i.test(said))
    return "podman cannot work with the control groups here: boot with version 2 alone (`systemd.unified_cgroup_hierarchy=1`), or install bubblewrap, which needs none.";
  if (/user namespace|newuidmap|CLONE_NEWUSER|clone|unshare|uid_map|not permitted/i.test(said))
    return "This system forbids user namespaces to programs: `sysctl -w user.max_user_namespaces=15000`, on Ubuntu also `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; in a container start it with user namespaces allowed.";
  if (/ENOENT|executable file|could not find|conmon|crun|runc/i.test(said))
    return "Install podman with its parts: `apt-get install -y podman crun conmon`.";
  return "See what it says by itself as an ordinary user: `podman run --rm --network=none --rootfs / true`; or install bubblewrap.";
}
