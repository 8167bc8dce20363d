import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const everyMs = 50;

/**
 * Memory of process trees while they work: the proportional set size, so that pages that processes share count once.
 * Linux only. `roots` is asked each time, since processes come and go.
 */
export function watchMemory(roots: () => readonly number[]) {
  return watchPeak(() => treeBytes(roots()));
}

/** The highest of what is measured again and again. */
export function watchPeak(measure: () => number) {
  let peakBytes = 0;
  let isStopped = false;
  const watching = (async () => {
    while (!isStopped) {
      peakBytes = Math.max(peakBytes, measure());
      await pause(everyMs);
    }
  })();
  return {
    /** @returns the highest that was seen. */
    async stop(): Promise<number> {
      isStopped = true;
      await watching;
      return peakBytes;
    },
  };
}

export function treeBytes(roots: readonly number[]): number {
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const seen = new Set<number>();
  const open = [...roots];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    open.push(...(children.get(pid) ?? []).map((child) => child.pid));
  }
  return [...seen].reduce((sum, pid) => sum + pssBytes(pid), 0);
}

function processes(): { pid: number; parent: number }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // The name in brackets may hold anything, brackets too.
      const rest = read(`/proc/${name}/stat`)
        ?.replace(/^.*\) /s, "")
        .split(" ");
      return rest ? [{ pid: Number(name), parent: Number(rest[1]) }] : [];
    });
}

/** Of one process alone. */
export function pssBytes(pid: number): number {
  const said = read(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB/m.exec(said ?? "")?.[1] ?? 0) * 1024;
}

/** Nothing of a process that has just ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
