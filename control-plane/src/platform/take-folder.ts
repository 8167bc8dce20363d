import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Problem } from "@feedback-chat/protocol/problem";

/** A server whose starter was killed sees that at once, and needs a moment to close its database. */
const patienceMs = 3_000;

/**
 * Marks a folder as this process's by a file with its pid. A mark whose process is gone is taken over; one whose
 * process is about to go is waited for.
 * @throws Problem data_locked, naming the process that has it.
 */
export async function takeFolder(folder: string): Promise<{ release(): void }> {
  const file = join(folder, "lock");
  const patience = AbortSignal.timeout(patienceMs);
  for (;;) {
    const handle = createNew(file);
    if (handle !== undefined) {
      writeSync(handle, `${process.pid} ${startedAt(process.pid) ?? ""}\n`);
      closeSync(handle);
      return { release: () => rmSync(file, { force: true }) };
    }
    const owner = readOwner(file);
    if (owner === "gone") rmSync(file, { force: true });
    else if (patience.aborted)
      throw new Problem("data_locked", `The data folder ${folder} is in use by process ${owner}.`);
    else await setTimeout(50);
  }
}

function createNew(file: string): number | undefined {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
}

/** The pid in the file if that very process still runs: a pid alone may have been given to another one since. */
function readOwner(file: string): number | "gone" {
  const [pidText = "", started = ""] = readText(file).trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return "gone";
  const now = startedAt(pid);
  return now !== undefined && started !== "" && now !== started ? "gone" : pid;
}

/** Nothing when it was released just now. */
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    if ((error as NodeJS.ErrnoException).code === "EPERM") return true;
    throw error;
  }
}

/** Start time of a process in clock ticks since boot, from Linux's /proc; undefined elsewhere. */
function startedAt(pid: number): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
