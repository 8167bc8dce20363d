import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

export type ProgramEvent = { event?: string } & Record<string, unknown>;
export type Program = AsyncDisposable & {
  pid: number;
  events: ProgramEvent[];
  /** The first event of that name, also one that was there already. Rejects when the program ends without it. */
  heard(event: string): Promise<ProgramEvent>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** All that it wrote, on stdout and stderr. */
  said(): string;
};

const mostKept = 4 * 1024 * 1024;

/** It ends with the test's process, also when that is killed or a test ran past its time. */
const tie = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];

/** Starts one of the product's programs from its source, with NDJSON on stdout. */
export function startProgram(file: string, args: string[], env: Record<string, string | undefined>): Program {
  const [program = process.execPath, ...tied] = [
    ...tie,
    process.execPath,
    "--conditions=source",
    "--no-warnings",
    file,
    ...args,
  ];
  const child = spawn(program, tied, {
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const events: ProgramEvent[] = [];
  const waiting = new Set<() => void>();
  let stderr = "";
  let stdout = "";
  let isEnded = false;
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-mostKept);
  });
  child.stdout.on("data", (chunk: Buffer) => {
    stdout = (stdout + chunk.toString()).slice(-mostKept);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(line.startsWith("{") ? (JSON.parse(line) as ProgramEvent) : { text: line });
    for (const look of waiting) look();
  });
  const exited = once(child, "close").then(([code, signal]) => {
    isEnded = true;
    for (const look of waiting) look();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  return {
    pid: child.pid ?? 0,
    events,
    exited,
    said: () => `${stdout}\n${stderr}`,
    kill: (signal) => void child.kill(signal),
    heard: (name) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = events.find(({ event }) => event === name);
          if (!found && !isEnded) return;
          waiting.delete(look);
          if (found) resolve(found);
          else reject(new Error(`${file} ended before it said ${name}: ${stderr.slice(-8_000)}`));
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (!isEnded) child.kill("SIGKILL");
      await exited;
    },
  };
}
