import { constants } from "node:fs";
import { chmod, chown, lchown, lstat, mkdir, mkdtemp, open, opendir, readdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ignoring } from "../platform/ignoring.ts";
import type { JobName } from "../ports/sandbox.ts";
import { isOwned, ownerIn, ownerName } from "./process-owner.ts";
import { endAbandoned, isRoot, makeUidFolder, releaseUid, takeUid, type UidDeps } from "./sandbox-uids.ts";

export type FolderDeps = UidDeps & { rootFolder: string };
export type JobFolders = {
  uid: number;
  treeFolder: string;
  taskFolder: string;
  socketFolder: string;
  /** What is written over its layers. Not seen inside as such. */
  layersFolder: string;
  remove(): Promise<void>;
};

/** The folders that stay between jobs. Others may pass through, and look at nothing but the tools. */
export async function makeRoot(deps: FolderDeps): Promise<void> {
  const { rootFolder } = deps;
  const first = await mkdir(rootFolder, { recursive: true });
  // Under a strict umask, folders made on the way would stop the sandbox's user.
  for (let path = rootFolder; first !== undefined && path.startsWith(first); path = dirname(path))
    await chmod(path, 0o711);
  for (const [name, mode] of [
    ["", 0o711],
    ["tools", 0o755],
    ["jobs", 0o711],
    ["s", 0o711],
  ] as const) {
    await mkdir(join(rootFolder, name), { recursive: true });
    await chmod(join(rootFolder, name), mode);
  }
  await makeUidFolder(deps);
}

/** Fresh folders of one job, 0700 and the sandbox uid's. Their names say which process answers for them. */
export async function makeJobFolders(deps: FolderDeps, job: JobName): Promise<JobFolders> {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(job.name)) throw new RangeError(`no name for a job's folder: ${job.name}`);
  const owner = ownerName(process.pid);
  const uid = job.userOf?.uid ?? (await takeUid(deps, job.slot));
  const folder = await mkdtemp(join(deps.rootFolder, "jobs", `${job.name}.${owner}.`));
  // A unix socket's path has room for 107 bytes: hence a short home for it.
  const socketFolder = await mkdtemp(join(deps.rootFolder, "s", `${owner}.`));
  const [treeFolder, taskFolder, layersFolder] = [join(folder, "tree"), join(folder, "task"), join(folder, "layers")];
  for (const path of [treeFolder, taskFolder, layersFolder]) await mkdir(path, { mode: 0o700 });
  for (const path of [folder, treeFolder, taskFolder, layersFolder, socketFolder])
    if (isRoot(deps)) await chown(path, uid, uid);
  return {
    uid,
    treeFolder,
    taskFolder,
    socketFolder,
    layersFolder,
    async remove() {
      await removeTree(folder, socketFolder);
      if (!job.userOf) await releaseUid(deps, uid);
    },
  };
}

/** Removes what processes that are gone left behind, ending first what still runs under their uids. */
export async function sweepJobFolders(deps: FolderDeps): Promise<string[]> {
  const removed: string[] = [];
  for (const place of ["jobs", "s"]) {
    for (const name of (await readdir(join(deps.rootFolder, place)).catch(ignoring("ENOENT"))) ?? []) {
      if (isOwned(ownerIn(name))) continue;
      const path = join(deps.rootFolder, place, name);
      await endAbandoned(deps, (await stat(path)).uid);
      await removeTree(path);
      removed.push(path);
    }
  }
  return removed;
}

/**
 * As root: gives everything below to the sandbox's uid, links themselves and not what they point to. Nothing may run
 * there yet.
 */
export async function ownTree(deps: FolderDeps, uid: number, folder: string): Promise<void> {
  if (!isRoot(deps)) return;
  const few = await fewBelow(folder);
  if (few === null) await execa("chown", ["-hR", `${uid}:${uid}`, "--", folder], { env: {}, extendEnv: false });
  else await Promise.all([folder, ...few].map((path) => lchown(path, uid, uid)));
}

/** To start a program from a process of our size costs more than to give away so many files. */
const fewEntries = 500;

/** Null when there are more. */
async function fewBelow(folder: string): Promise<Buffer[] | null> {
  const found: Buffer[] = [];
  const folders = [Buffer.from(folder)];
  for (let place = folders.pop(); place; place = folders.pop()) {
    // Read bit by bit: a folder of the agent's may hold any number of names.
    for await (const entry of await opendir(place, { encoding: "buffer" as BufferEncoding })) {
      const path = Buffer.concat([place, Buffer.from("/"), entry.name as unknown as Buffer]);
      found.push(path);
      if (found.length > fewEntries) return null;
      if (entry.isDirectory()) folders.push(path);
    }
  }
  return found;
}

/** Replaces a file in a folder that hostile code could write: the name is freed first, then made exclusively. */
export async function replaceFile(path: string, content: string | Uint8Array, uid: number | null): Promise<void> {
  await unlink(path).catch(ignoring("ENOENT", "EISDIR", "EPERM"));
  if (await lstat(path).catch(ignoring("ENOENT"))) await removeTree(path); // a folder
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    if (uid !== null) await file.chown(uid, uid);
  } finally {
    await file.close();
  }
}

/** Reads a file that hostile code may have put there: no link, pipe or device, and never more than `maxBytes`. */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(ignoring("ENOENT", "ELOOP", "ENXIO", "EACCES", "ENOTDIR"));
  if (!file) return null;
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > maxBytes) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(facts.size), 0, facts.size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** rm of coreutils walks by folder handles: no depth of folders and no length of paths stops it. */
export async function removeTree(...folders: string[]): Promise<void> {
  const options = { env: {}, extendEnv: false, reject: false };
  const remove = () => execa("rm", ["-rf", "--one-file-system", "--", ...folders], options);
  if ((await remove()).exitCode === 0) return;
  // Not root: a folder without permissions cannot be emptied before they are given back.
  await execa("chmod", ["-R", "u+rwX", "--", ...folders], options);
  const again = await remove();
  if (again.exitCode !== 0) throw new Error(`cannot remove ${folders.join(", ")}: ${again.stderr.slice(0, 300)}`);
}
