import { constants } from "node:fs";
import { access, chmod, copyFile, link, mkdir, mkdtemp, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ignoring } from "./ignoring.ts";

/** Makes a folder whole or not at all: written beside it, then renamed. A second caller finds it there. */
export async function installOnce(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.draft-`);
  try {
    await chmod(draft, 0o755);
    await fill(draft);
    await rename(draft, folder).catch(ignoring("ENOTEMPTY", "EEXIST"));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
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
