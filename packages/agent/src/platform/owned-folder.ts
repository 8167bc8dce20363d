import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "./ignoring.ts";

/** A folder of this process below `parent`; after a crash the next process finds its owner gone and removes it. */
export async function makeOwnedFolder(parent: string, id: string): Promise<string> {
  const folder = join(parent, `${process.pid}.${id}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Removes the folders whose process is gone. */
export async function sweepOwnedFolders(parent: string): Promise<string[]> {
  const names = (await readdir(parent).catch(ignoring("ENOENT"))) ?? [];
  const left = names.filter((name) => /^\d+\./.test(name) && !isAlive(Number.parseInt(name, 10)));
  for (const name of left) await rm(join(parent, name), { recursive: true, force: true });
  return left;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if (error instanceof Error && "code" in error && error.code === "EPERM") return true;
    ignoring("ESRCH")(error);
    return false;
  }
}
