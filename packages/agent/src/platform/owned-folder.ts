import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "./ignoring.ts";

/**
 * A folder of this process below `parent`; after a crash the next process finds its owner gone and removes it. A pid
 * alone says too little: in a container the next worker has the same one.
 */
export async function makeOwnedFolder(parent: string, id: string): Promise<string> {
  const folder = join(parent, `${process.pid}.${await startOf(process.pid)}.${id}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Removes the folders whose process is gone. */
export async function sweepOwnedFolders(parent: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of (await readdir(parent).catch(ignoring("ENOENT"))) ?? []) {
    if (!/^\d+\./.test(name) || (await isOwned(name))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

async function isOwned(name: string): Promise<boolean> {
  const [pid = "", start = ""] = name.split(".");
  return isAlive(Number(pid)) && (await startOf(Number(pid))) === start;
}

/** When a process started, in the kernel's ticks; "0" on systems that have no such file. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(ignoring("ENOENT", "ESRCH"));
  // The second field is a name that may hold anything, parentheses too: counted from the last one.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
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
