import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
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
 * have a size of their own, so that being full is what is noticed; the work tree is measured by the disk it
 * lies on, and counted exactly only when that shrank by as much.
 */
export function watchLimits({ pid, treeFolder, limits }: Watched, exceeded: (detail: string) => void): () => void {
  const measureTree = treeMeter(treeFolder, limits);
  let isOver = false;
  let isLooking = false;

  async function look(): Promise<void> {
    if (isOver || isLooking) return;
    isLooking = true;
    try {
      const detail = usedUp(pid, limits) ?? (await fullScratch(pid)) ?? (await measureTree());
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

function treeMeter(folder: string, limits: SandboxLimits): () => Promise<string | null> {
  let start: { freeBytes: number; treeBytes: number } | null = null;
  let allowed = 0;
  return async () => {
    const freeBytes = await freeBytesOf(folder);
    if (start === null) {
      start = { freeBytes, treeBytes: await sizeOf(folder) };
      allowed = Math.min(limits.treeBytes ?? Infinity, Math.max(64 * mebibyte, 0.8 * freeBytes));
      return null;
    }
    if (start.freeBytes - freeBytes <= allowed) return null;
    const grown = (await sizeOf(folder)) - start.treeBytes;
    if (grown > allowed) return `disk: the work tree grew by ${megabytes(grown)} of ${megabytes(allowed)} MiB`;
    start = { ...start, freeBytes: freeBytes + Math.max(0, grown) }; // somebody else's bytes
    return null;
  };
}

async function freeBytesOf(folder: string): Promise<number> {
  const facts = await statfs(folder);
  return facts.bavail * facts.bsize;
}

async function sizeOf(folder: string): Promise<number> {
  // Files vanish while they are counted: du then says so on stderr and exits 1, with a sum all the same.
  const { stdout } = await promisify(execFile)("du", ["-skx", "--", folder], {
    env: { LC_ALL: "C" },
  }).catch(outputOf);
  return Number(stdout.split("\t")[0] ?? 0) * 1024;
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
