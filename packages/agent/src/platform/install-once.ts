import { constants } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { ignoring } from "./ignoring.ts";

/**
 * Makes a folder whole or not at all: written beside it, then renamed. A second caller finds it there. Every user can
 * read it, whatever the umask: the sandbox's own user runs what is installed.
 */
export async function installOnce(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.draft-`);
  try {
    await chmod(draft, 0o755);
    await fill(draft);
    await openToAll(draft);
    await rename(draft, folder).catch(ignoring("ENOTEMPTY", "EEXIST"));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** No file with another name elsewhere is changed: a hard link shares its mode. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    if (!entry.isFile()) continue;
    const { mode, nlink } = await lstat(path);
    const wanted = mode & 0o100 ? 0o555 : 0o444;
    if (nlink === 1 && (mode & wanted) !== wanted) await chmod(path, (mode & 0o777) | wanted);
  }
}

/** A hard link where the disk allows it (a copy of an engine costs 360 MB), else a copy. */
export async function placeBinary(from: string, to: string): Promise<void> {
  const source = await realpath(from);
  const isOpen = ((await stat(source)).mode & 0o005) === 0o005; // a link shares its mode with the original
  const isLinked =
    isOpen &&
    (await link(source, to)
      .then(() => true)
      .catch(ignoring("EXDEV", "EPERM", "EACCES", "EMLINK")));
  if (!isLinked) await copyFile(source, to, constants.COPYFILE_FICLONE);
  if (!isLinked) await chmod(to, 0o755);
}

export async function isThere(path: string): Promise<boolean> {
  const found = await access(path)
    .then(() => true)
    .catch(ignoring("ENOENT", "ENOTDIR"));
  return found ?? false;
}
