import { insidePaths } from "../core/inside-paths.ts";
import type { LayerWalls } from "./layer-folders.ts";

export type Walls = {
  /** Top folders such as /usr: bound read-only, or linked as the host links them (/bin -> usr/bin). */
  system: { path: string; linkTo: string | null }[];
  /** Host files seen under /etc: synthetic ones of ours, and harmless ones such as certificates. */
  etc: { host: string; inside: string }[];
  tree: { host: string; isReadOnly: boolean };
  taskFolder: string;
  socketFolder: string | null;
  layers: LayerWalls[];
  readOnlyMounts: { host: string; inside: string }[];
  scratchBytes: number;
  workingFolder: string;
  env: Record<string, string>;
};

/** Where bwrap reads the filter of system calls, and where it tells how it goes. */
export type BwrapDescriptors = { statusFd: number; seccompFd: number };

/** Number of the user inside: never root, not even of its own namespace. */
export const insideUid = 1000;

const namespaces = [
  "--unshare-user",
  "--unshare-ipc",
  "--unshare-pid",
  "--unshare-net",
  "--unshare-uts",
  "--unshare-cgroup",
];

/** All arguments of bwrap but the command. Every namespace is named: `--unshare-all` goes on silently without one. */
export function bwrapArguments(walls: Walls & BwrapDescriptors): string[] {
  const half = String(Math.floor(walls.scratchBytes / 2));
  return [
    ...namespaces,
    ...["--uid", String(insideUid), "--gid", String(insideUid), "--hostname", "sandbox"],
    ...[
      "--disable-userns",
      "--assert-userns-disabled",
      "--cap-drop",
      "ALL",
      "--new-session",
      "--die-with-parent",
      "--clearenv",
    ],
    ...["--json-status-fd", String(walls.statusFd), "--seccomp", String(walls.seccompFd)],
    ...walls.system.flatMap(({ path, linkTo }) =>
      linkTo === null ? ["--ro-bind", path, path] : ["--symlink", linkTo, path],
    ),
    ...["--dir", "/etc"],
    ...walls.etc.flatMap(({ host, inside }) => ["--ro-bind", host, inside]),
    ...["--proc", "/proc", "--dev", "/dev", "--size", half, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--size", half, "--tmpfs", "/tmp", "--perms", "0700", "--size", half, "--tmpfs", insidePaths.home],
    ...[walls.tree.isReadOnly ? "--ro-bind" : "--bind", walls.tree.host, insidePaths.tree],
    ...["--bind", walls.taskFolder, insidePaths.task],
    ...(walls.socketFolder === null ? [] : ["--ro-bind", walls.socketFolder, insidePaths.sockets]),
    ...walls.layers.flatMap(({ host, inside, overlay, caches }) => [
      ...(overlay === null ? ["--ro-bind", host, inside] : ["--bind", overlay.merged, inside]),
      ...caches.flatMap((cache) => ["--bind", cache.host, cache.inside]),
    ]),
    ...walls.readOnlyMounts.flatMap(({ host, inside }) => ["--ro-bind", host, inside]),
    // The root itself is a tmpfs of the sandbox's own: without this it is one more place to fill.
    ...["--remount-ro", "/"],
    ...["--chdir", walls.workingFolder],
    ...Object.entries(walls.env).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
}
