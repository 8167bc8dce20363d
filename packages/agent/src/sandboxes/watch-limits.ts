import { execFile } from "node:child_process";
import { readFileSync, type StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { insidePaths } from "../core/inside-paths.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import { ignoring } from "../platform/ignoring.ts";
import { useOfTree } from "./process-table.ts";

const everyMs = 200;
const mebibyte = 1024 * 1024;
/** Below this the kernel would choose whom to kill, and might choose the worker. */
const hostReserveBytes = 192 * mebibyte;

type Watched = { pid: number; treeFolder: string; limits: SandboxLimits };

/**
 * Looks five times a second at what the processes inside use, and tells once when a limit was passed.
 * Memory and processes are summed over the tree of the namespace's first process; the scratch file systems
 * have a size of their own, so that being full is what is noticed; what lies on the host's disk is measured by it.
 */
export function watchLimits({ pid, treeFolder, limits }: Watched, exceeded: (detail: string) => void): () => void {
  // Its folder holds all that can be written: the task's folder, and what goes over the layers.
  const measureDisk = diskMeter(dirname(treeFolder), limits);
  let isOver = false;
  let isLooking = false;

  async function look(): Promise<void> {
    if (isOver || isLooking) return;
    isLooking = true;
    try {
      const detail = usedUp(pid, limits) ?? (await fullScratch(pid)) ?? (await measureDisk());
      if (detail === null || isOver) return;
      isOver = true;
      exceeded(detail);
    } catch (error) {
      // The job ended while we looked, and took its folders along.
      if (!isOver) throw error;
    } finally {
      isLooking = false;
    }
  }

  const timer = setInterval(() => void look(), everyMs);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

function usedUp(pid: number, limits: SandboxLimits): string | null {
  const use = useOfTree(pid);
  if (use.residentBytes > limits.memoryBytes) {
    return `memory: ${megabytes(use.residentBytes)} of ${megabytes(limits.memoryBytes)} MiB in ${use.processes} processes`;
  }
  if (use.tasks >= limits.processes - 2) return `processes: ${use.tasks} of ${limits.processes}`;
  if (availableMemory() < hostReserveBytes) return "memory: the machine itself is nearly out of it";
  return null;
}

async function fullScratch(pid: number): Promise<string | null> {
  for (const folder of ["/tmp", insidePaths.home, "/dev/shm"]) {
    const facts = await statfs(`/proc/${pid}/root${folder}`).catch(ignoring("ENOENT", "EACCES", "ESRCH", "EPERM"));
    // A file system of another type is the host's: the process had ended, or not yet moved in.
    if (facts && facts.type === tmpfsMagic && facts.blocks > 0 && facts.bfree === 0) return `disk: ${folder} is full`;
  }
  return null;
}
const tmpfsMagic = 0x01021994;

/** What may be written in the open: work tree, task folder and layers, which lie on the host's disk. */
const writtenBytes = 4 * 1024 * mebibyte;
const writtenFiles = 500_000;

function diskMeter(
  folder: string,
  { treeBytes = writtenBytes, treeFiles = writtenFiles }: SandboxLimits,
): () => Promise<string | null> {
  let counting: Promise<Use> | null = null;
  const count = () => (counting ??= useOf(folder));
  const bytes = growthMeter({
    free: async () => freeOf(await statfs(folder), "bytes"),
    used: async () => (await count()).bytes,
    mayGrow: (free) => Math.min(treeBytes, Math.max(64 * mebibyte, 0.8 * free)),
    say: (grown, allowed) => `${megabytes(grown)} of ${megabytes(allowed)} MiB`,
  });
  const files = growthMeter({
    free: async () => freeOf(await statfs(folder), "files"),
    used: async () => (await count()).files,
    mayGrow: (free) => Math.min(treeFiles, 0.8 * free),
    say: (grown, allowed) => `${grown} of ${Math.floor(allowed)} files`,
  });
  return async () => {
    counting = null;
    return (await bytes()) ?? (await files());
  };
}

type Grown = {
  free(): Promise<number>;
  used(): Promise<number>;
  mayGrow(free: number): number;
  say(grown: number, allowed: number): string;
};

/** Asks the disk, which is cheap, and counts exactly only when it has that much less than at the start. */
function growthMeter({ free, used, mayGrow, say }: Grown): () => Promise<string | null> {
  let start: { free: number; used: number } | null = null;
  let allowed = 0;
  return async () => {
    const now = await free();
    if (start === null) {
      start = { free: now, used: await used() };
      allowed = mayGrow(now);
      return null;
    }
    if (!(start.free - now > allowed)) return null;
    const grown = (await used()) - start.used;
    if (grown > allowed) return `disk: the work tree, the task's folder and the layers grew by ${say(grown, allowed)}`;
    start = { ...start, free: now + Math.max(0, grown) }; // somebody else's
    return null;
  };
}

/** Some file systems make room for files as they need it, and say that there are none. */
function freeOf({ bavail, bsize, files, ffree }: StatsFs, what: "bytes" | "files"): number {
  if (what === "bytes") return bavail * bsize;
  return files === 0 ? Infinity : ffree;
}

type Use = { bytes: number; files: number };

/** Both by one process of ours: to start one from a process of the worker's size costs more than the counting. */
async function useOf(folder: string): Promise<Use> {
  const both = 'du -k -sx -- "$0"; du --inodes -sx -- "$0"';
  // Files vanish while they are counted: du then says so on stderr and exits 1, with a sum all the same.
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", both, folder], {
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
  }).catch(outputOf);
  const [kibibytes = 0, files = 0] = stdout.split("\n").map((line) => Number(line.split("\t")[0]));
  return { bytes: kibibytes * 1024, files };
}

function outputOf(error: unknown): { stdout: string } {
  if (error instanceof Error && "stdout" in error && typeof error.stdout === "string" && /^\d+\t/.test(error.stdout))
    return { stdout: error.stdout };
  throw error;
}

function availableMemory(): number {
  return Number(readFileSync("/proc/meminfo", "latin1").match(/^MemAvailable:\s+(\d+) kB/m)?.[1] ?? Infinity) * 1024;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
