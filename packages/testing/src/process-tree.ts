import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export type Listed = { pid: number; argv: string };

/** Every living process of this machine whose command line has these words. */
export function processesWith(words: string): Listed[] {
  return listProcesses().filter(({ argv }) => argv.includes(words));
}

/** The processes below `pid`, itself not among them. */
export function processesBelow(pid: number): Listed[] {
  const all = listProcesses();
  const found: Listed[] = [];
  for (let parents = new Set([pid]); parents.size > 0;) {
    const children = all.filter((one) => parents.has(one.parent));
    found.push(...children);
    parents = new Set(children.map((one) => one.pid));
  }
  return found;
}

/** TCP ports, as `address:port` in hexadecimal, on which this process itself listens. */
export function listeningPorts(pid: number): string[] {
  const sockets = new Set(
    readFolder(`/proc/${pid}/fd`).map((fd) => orGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`))),
  );
  const isListening = "0A";
  return ["tcp", "tcp6"].flatMap((table) =>
    readText(`/proc/${pid}/net/${table}`)
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((row) => row[3] === isListening && sockets.has(`socket:[${row[9]}]`))
      .map((row) => row[1] ?? ""),
  );
}

function listProcesses(): (Listed & { parent: number })[] {
  return readFolder("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const stat = readText(`/proc/${name}/stat`);
      // The name in parentheses may hold anything: count from the last one.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const argv = readText(`/proc/${name}/cmdline`).replaceAll("\0", " ");
      return { pid: Number(name), parent: Number(parent), state, argv };
    })
    .filter(({ state }) => state !== undefined && state !== "" && state !== "Z" && state !== "X");
}

function readFolder(path: string): string[] {
  return orGone(() => readdirSync(path)) ?? [];
}
function readText(path: string): string {
  return orGone(() => readFileSync(path, "latin1")) ?? "";
}

/** A process may end between two looks at it. */
function orGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
