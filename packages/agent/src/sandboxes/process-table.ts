import { readdirSync, readFileSync, statSync } from "node:fs";

/** What /proc says of one process; null when it is gone. */
export type ProcessFacts = { state: string; parent: number; startTicks: string };

export function readProcess(pid: number): ProcessFacts | null {
  const text = readProc(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is a name that may hold anything, parentheses too: count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", parent: Number(fields[1] ?? 0), startTicks: fields[19] ?? "" };
}

/** A process that can still do something: a zombie cannot. */
export function isAlive(pid: number): boolean {
  const facts = readProcess(pid);
  return facts !== null && facts.state !== "Z" && facts.state !== "X";
}

export type TreeUse = { processes: number; tasks: number; residentBytes: number };

/** What `pid` and all processes below it use. An orphan is below its namespace's first process again. */
export function useOfTree(pid: number): TreeUse {
  const use = { processes: 0, tasks: 0, residentBytes: 0 };
  const seen = new Set<number>();
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const status = readProc(`/proc/${next}/status`);
    if (status === null) continue;
    use.processes++;
    use.tasks += numberIn(status, /^Threads:\s+(\d+)/m);
    use.residentBytes += numberIn(status, /^VmRSS:\s+(\d+) kB/m) * 1024;
    open.push(...childrenOf(next));
  }
  return use;
}

/** Every process of a user, by the owner of its /proc folder. */
export function processesOf(userId: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => ownerOf(pid) === userId && isAlive(pid));
}

export function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap((task) =>
    (readProc(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    return gone(error, []);
  }
}

function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch (error) {
    return gone(error, null);
  }
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return gone(error, null);
  }
}

/** A process may end between two looks at it: ESRCH while reading, ENOENT before. */
function gone<T>(error: unknown, answer: T): T {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return answer;
  throw error;
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(text.match(pattern)?.[1] ?? 0);
}
