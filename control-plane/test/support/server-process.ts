import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type ServerProcess = {
  child: ChildProcess;
  events: Record<string, unknown>[];
  /** The event of that name, once it came. @throws if the process ends before. */
  event(name: string): Promise<Record<string, unknown>>;
  /** Exit code and what it said to people. */
  ended: Promise<{ code: number | null; said: string }>;
};

const packageFolder = join(import.meta.dirname, "../..");

/** The server as a process of its own, started as the bin starts it. `wrapper` is a command that runs it. */
export function startServerProcess(
  env: Record<string, string>,
  wrapper: string[] = [],
  args: string[] = [],
): ServerProcess {
  const command = [...wrapper, process.execPath, "--conditions=source", join(packageFolder, "src/main.ts"), ...args];
  const child = spawn(command[0] ?? "", command.slice(1), {
    env: {
      PATH: process.env["PATH"] ?? "",
      PORT: "0",
      GITHUB_API_URL: "http://127.0.0.1:9",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events: Record<string, unknown>[] = [];
  const arrivals = new EventTarget();
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as Record<string, unknown>);
    arrivals.dispatchEvent(new Event("line"));
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "close").then(([code]) => {
    arrivals.dispatchEvent(new Event("line"));
    return { code: code as number | null, said };
  });
  return {
    child,
    events,
    ended,
    async event(name) {
      for (;;) {
        const next = once(arrivals, "line");
        const found = events.find(({ event }) => event === name);
        if (found) return found;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`The server ended before ${name}: ${said}`);
        await next;
      }
    },
  };
}
