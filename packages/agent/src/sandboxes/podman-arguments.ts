import { insidePaths } from "../core/inside-paths.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import { insideUid, type Walls } from "./bwrap-arguments.ts";

/** Files of one run that podman needs, all in folders of the job's own. */
export type PodmanFiles = {
  /** The root inside: empty folders, and links as the host has them (/bin -> usr/bin). */
  rootfs: string;
  /** podman's own state. Nothing in it is shared with the containers of a user or of another job. */
  storeFolder: string;
  runtimeFolder: string;
  /** `podmanConfig`, in place of what the user and the system say. */
  configFile: string;
  /** `seccompProfile` as JSON. */
  seccompFile: string;
  /** `podmanEnvironment`: values on a command line would be seen in every list of processes. */
  envFile: string;
  /** Where the number of the first process inside is written. */
  pidFile: string;
};

export type PodmanWalls = Walls & {
  files: PodmanFiles;
  limits: Pick<SandboxLimits, "processes" | "fileBytes" | "wallSeconds">;
};

/**
 * All arguments of podman but the command. The user inside is mapped to the one number that podman runs under: no
 * ranges of /etc/subuid, and no program with more rights (newuidmap) is needed.
 */
export function podmanArguments(walls: PodmanWalls): string[] {
  const { files, limits } = walls;
  const half = Math.floor(walls.scratchBytes / 2);
  return [
    ...["--log-level=fatal", "--cgroup-manager=cgroupfs", "--storage-driver=vfs"],
    ...[`--root=${files.storeFolder}`, `--runroot=${files.runtimeFolder}/root`, `--tmpdir=${files.runtimeFolder}/tmp`],
    ...["run", "--rm", "--interactive", "--pull=never", "--log-driver=none", `--pidfile=${files.pidFile}`],
    // Should the worker be killed: nothing inside dies with it, as it does behind bubblewrap.
    `--timeout=${Math.ceil(limits.wallSeconds) + 5}`,
    ...["--network=none", "--pid=private", "--ipc=private", "--uts=private", "--cgroups=disabled"],
    ...[`--uidmap=${insideUid}:0:1`, `--gidmap=${insideUid}:0:1`, `--user=${insideUid}:${insideUid}`],
    ...["--hostname=sandbox", "--no-hosts", "--http-proxy=false", "--unsetenv-all", `--env-file=${files.envFile}`],
    ...["--cap-drop=all", "--security-opt=no-new-privileges", `--security-opt=seccomp=${files.seccompFile}`],
    ...["--security-opt=mask=/sys"],
    ...["--read-only", "--read-only-tmpfs=false", `--shm-size=${half}b`, "--tmpfs=/dev:ro,size=64k,mode=755"],
    ...[`--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=${half}`],
    ...[`--tmpfs=${insidePaths.home}:rw,exec,nosuid,nodev,mode=0700,size=${half}`],
    ...limitArguments(limits),
    ...mountsOf(walls).map(({ host, inside, isReadOnly }) => `--volume=${volume(host, inside, isReadOnly)}`),
    ...walls.layers.flatMap(layerArguments),
    ...walls.readOnlyMounts.map(({ host, inside }) => `--volume=${volume(host, inside, true)}`),
    ...[`--workdir=${walls.workingFolder}`, "--rootfs", files.rootfs],
  ];
}

/**
 * Runs the command as a child of a shell: as the first process of its namespace it would be deaf to signals and owe
 * the burial of orphans. podman gives HOSTNAME unasked.
 */
export function insideCommand(argv: readonly string[]): string[] {
  return ["/usr/bin/env", "-u", "HOSTNAME", "/bin/sh", "-c", '"$@"; exit "$?"', "sh", ...argv];
}

/** What else podman would read from the user's and the system's files: mounts, hooks, variables, kernel settings. */
export const podmanConfig = `[containers]
annotations = []
default_sysctls = []
devices = []
env = []
env_host = false
http_proxy = false
mounts = []
volumes = []

[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
hooks_dir = []
`;

/** @throws RangeError for what the file cannot say: a line of it is a variable, and a bare name takes the host's value. */
export function podmanEnvironment(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!/^[A-Za-z_]\w*$/.test(name)) throw new RangeError(`no name for a variable: ${name.slice(0, 100)}`);
      if (/[\n\r\0]/.test(value)) throw new RangeError(`the value of ${name} has more than one line`);
      return `${name}=${value}\n`;
    })
    .join("");
}

type Mount = { host: string; inside: string; isReadOnly: boolean };

function mountsOf(walls: Walls): Mount[] {
  const readOnly = (mount: { host: string; inside: string }) => ({ ...mount, isReadOnly: true });
  return [
    ...walls.system.filter(({ linkTo }) => linkTo === null).map(({ path }) => readOnly({ host: path, inside: path })),
    ...walls.etc.map(readOnly),
    { host: walls.tree.host, inside: insidePaths.tree, isReadOnly: walls.tree.isReadOnly },
    { host: walls.taskFolder, inside: insidePaths.task, isReadOnly: false },
    ...(walls.socketFolder === null ? [] : [readOnly({ host: walls.socketFolder, inside: insidePaths.sockets })]),
  ];
}

/** podman mounts the overlay itself, in the user namespace in which it runs as root. */
function layerArguments({ host, inside, overlay, caches }: Walls["layers"][number]): string[] {
  if (overlay !== null) {
    const folders = [host, inside, overlay.upper, overlay.work].map(requirePath);
    // Here a comma ends a path as well.
    if (folders.some((path) => path.includes(","))) throw new RangeError(`no path that podman can mount: ${host}`);
    const [lower, at, upper, work] = folders;
    return [`--volume=${lower}:${at}:O,upperdir=${upper},workdir=${work}`];
  }
  return [
    `--volume=${volume(host, inside, true)}`,
    ...caches.map((cache) => `--volume=${volume(cache.host, cache.inside, false)}`),
  ];
}

/** `bind`, not podman's `rbind`: read-only would hold for the folder and not for what is mounted below it. */
function volume(host: string, inside: string, isReadOnly: boolean): string {
  return `${requirePath(host)}:${requirePath(inside)}:${isReadOnly ? "ro" : "rw"},bind,private,nosuid,nodev`;
}

/** A colon ends a path on podman's command line. */
function requirePath(path: string): string {
  if (path.startsWith("/") && !path.includes(":")) return path;
  throw new RangeError(`no path that podman can mount: ${path}`);
}

/** Counted in the job's own user namespace. Hard limits of open files above the worker's own would be refused. */
function limitArguments({ processes, fileBytes, wallSeconds }: PodmanWalls["limits"]): string[] {
  const seconds = Math.ceil(wallSeconds) * 4; // of processor time, for each process and all its threads
  return Object.entries({
    core: "0:0",
    fsize: `${fileBytes}:${fileBytes}`,
    nproc: `${processes}:${processes}`,
    cpu: `${seconds}:${seconds}`,
    nofile: "1024:4096",
  }).map(([name, value]) => `--ulimit=${name}=${value}`);
}
