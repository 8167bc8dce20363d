import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));
export const fromSource = [process.execPath, "--conditions=source", "--no-warnings", bin];

export type Ran = { code: number | null; stdout: string; stderr: string };
export type Running = AsyncDisposable & {
  ended: Promise<Ran>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once stdout or stderr holds the words; rejects when the program ends without them. */
  said(words: RegExp): Promise<RegExpExecArray>;
  pid: number;
};

export type Home = Disposable & { folder: string; env: Record<string, string> };

/** A home of its own: no login, cache or state of the machine's user is read or written. */
export function makeHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-cli-"));
  return {
    folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: tmpdir(), CI: "1" },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Starts the command line as a process, from source unless told, with stdin closed. */
export function startCli(
  args: string[],
  env: Record<string, string>,
  command: string[] = fromSource,
  cwd = tmpdir(),
): Running {
  const [program = "", ...first] = command;
  const child = spawn(program, [...first, ...args], {
    env,
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const told = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  let isEnded = false;
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk: Buffer) => {
      told[name] += chunk.toString();
      for (const look of waiting) look();
    });
  const ended = once(child, "close").then(([code]) => {
    isEnded = true;
    for (const look of waiting) look();
    return { code: code as number | null, ...told };
  });
  return {
    ended,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    said: (words) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = words.exec(told.stdout) ?? words.exec(told.stderr);
          if (!found && !isEnded) return;
          waiting.delete(look);
          if (found) resolve(found);
          else reject(new Error(`it ended without saying ${words}: ${told.stdout}${told.stderr}`));
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (!isEnded) child.kill("SIGKILL");
      await ended;
    },
  };
}

export const runCli = (args: string[], env: Record<string, string>, command?: string[]): Promise<Ran> =>
  startCli(args, env, command).ended;
