import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { asUser } from "./as-user.ts";

/**
 * How a layer is made writable here. `overlay`: the kernel lays the job's own folder over it. `caches`: the layer is
 * read-only but for the folders that tools keep their caches in.
 */
export type Layering =
  | { way: "overlay"; by: OverlayMount }
  | { way: "caches"; /** Why there is no overlay. */ why: string };

/** Who mounts: root, before it becomes the sandbox's user; or that user, as root of a user namespace of its own. */
export type OverlayMount = "root" | "user";

export type LayeringPlace = {
  /** Of the worker. */
  userId: number;
  /** Of the job: the user that writes to the layer. */
  uid: number;
};

/** The answer for this machine, found in the first job's folder and kept. */
export type LayeringOnce = {
  find(place: LayeringPlace & { layersFolder: string }): Promise<Layering>;
  /** In words, for `check --sandbox`. */
  told(): Promise<string>;
};

/** Tries these ways one after the other. */
export function layeringOnce(ways: readonly OverlayMount[]): LayeringOnce {
  let found: Promise<Layering> | null = null;
  return {
    find: (place) => (found ??= findLayering(ways, place)),
    async told() {
      const layering = await found;
      if (layering === null) return "not tried";
      return layering.way === "overlay"
        ? "an overlay over node_modules, whose writes count as the work tree's"
        : `node_modules is read-only but for its cache folders: ${layering.why}`;
    },
  };
}

/**
 * Wraps a command so that `<number>/lower`, `upper` and `work` below the working folder are mounted as
 * `<number>/merged` before it starts. The mounts belong to a mount namespace that ends with the command: there are none
 * to take away, whatever is killed.
 */
export function mountedFor(
  by: OverlayMount,
  { userId, uid }: LayeringPlace,
  { numbers, argv }: { numbers: readonly number[]; argv: string[] },
): { command: string; args: string[] } {
  const isRoot = by === "root";
  const inner = isRoot ? toArgv(asUser({ userId }, uid, argv)) : argv;
  const namespaces = isRoot ? ["--mount", "--propagation", "private"] : ["--user", "--map-root-user", "--mount"];
  // In a user namespace the kernel keeps its notes in attributes that an ordinary user may write.
  const options = isRoot ? "nosuid,nodev,redirect_dir=nofollow" : "nosuid,nodev,userxattr";
  const wrapped = ["unshare", ...namespaces, "--", "sh", "-c", script, "sh", options, numbers.join(" "), ...inner];
  return isRoot ? { command: "unshare", args: wrapped.slice(1) } : asUser({ userId }, uid, wrapped);
}

/** Relative paths: a list of processes shows no folder of ours, and no character of a path means something to mount. */
const script = `options=$1 numbers=$2; shift 2
for n in $numbers; do
  mount --internal-only -t overlay -o "$options,lowerdir=$n/lower,upperdir=$n/upper,workdir=$n/work" overlay "$n/merged" || exit 125
done
cd / && exec "$@"`;

/** Tries what a job would do: the kernel may know no overlays, forbid them to users, or refuse this file system. */
async function findLayering(
  ways: readonly OverlayMount[],
  place: Parameters<LayeringOnce["find"]>[0],
): Promise<Layering> {
  const problems: string[] = [];
  for (const [number, by] of ways.entries()) {
    const folder = join(place.layersFolder, `try-${number}`);
    await makeTry(place, folder);
    // A folder that is removed and made again needs more of the file system than a new one.
    const act = ["sh", "-c", 'cd "$0" && rm -r old && mkdir old && echo new > old/new', join(folder, "0", "merged")];
    const { command, args } = mountedFor(by, place, { numbers: [0], argv: act });
    const { exitCode, stderr } = await execa(command, args, { cwd: folder, env: {}, extendEnv: false, reject: false });
    if (exitCode === 0) return { way: "overlay", by };
    problems.push((stderr ?? "").trim().split("\n").at(-1) ?? "");
  }
  return { way: "caches", why: problems.at(-1)?.slice(0, 300) || "the try failed without a word" };
}

async function makeTry({ userId, uid }: LayeringPlace, folder: string): Promise<void> {
  const made = ["", "0", "0/lower", "0/lower/old", "0/upper", "0/work", "0/merged"].map((name) => join(folder, name));
  for (const path of made) await mkdir(path);
  await writeFile(join(folder, "0/lower/old/file"), "");
  if (userId === 0) for (const path of [...made, join(folder, "0/lower/old/file")]) await chown(path, uid, uid);
}

function toArgv({ command, args }: { command: string; args: string[] }): string[] {
  return [command, ...args];
}
