import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type ChildEvent = { event: string } & Record<string, unknown>;
export type Child = AsyncDisposable & {
  pid: number;
  /** Resolves with the first event of that name; rejects when the process ends before. */
  heard(event: string): Promise<ChildEvent>;
  exited: Promise<number>;
  /** The event in which it told why it ends. */
  failure(): ChildEvent | undefined;
  /** Asks it to end now, giving back what it holds; after the grace SIGKILL. */
  stop(graceMs?: number): Promise<void>;
};

type Input = {
  /** A file that our own Node runs, with the same conditions. */
  file: string;
  args?: string[];
  env: Record<string, string | undefined>;
  onEvent: (event: ChildEvent) => void;
  /** Ends it, also before it is ready. */
  signal: AbortSignal;
};

/**
 * Starts one of our parts as a process that logs NDJSON on stdout. stdin is a pipe of ours, so that the child can
 * tell that we are gone. It is in a process group of its own: Ctrl-C reaches us alone, and we end all in order. What
 * it writes on stderr stays with the error when it dies.
 */
export function startChild({ file, args = [], env, onEvent, signal }: Input): Child {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [...process.execArgv, file, ...args], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const waiting = new Map<string, { resolve: (event: ChildEvent) => void; reject: (error: Error) => void }[]>();
  let stderr = "";
  let failure: ChildEvent | undefined;
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = parseEvent(line);
    if (event.event === "server.failed" || event.event === "worker.ended") failure = event;
    onEvent(event);
    for (const { resolve } of waiting.get(event.event) ?? []) resolve(event);
    waiting.delete(event.event);
  });
  const exited = once(child, "close").then(([code, by]) => {
    const exitCode = (code as number | null) ?? 1;
    const died = signal.aborted ? (signal.reason as Error) : new ChildDied({ file, stderr, failure, exitCode });
    for (const all of waiting.values()) for (const { reject } of all) reject(died);
    return (code as number | null) ?? (by === "SIGKILL" ? 137 : 1);
  });
  const stop = async (graceMs = 10_000) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // SIGTERM alone would let a worker's job run to its end; the end of stdin says: now.
    child.kill("SIGTERM");
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(timer);
  };
  return {
    pid: child.pid ?? 0,
    exited,
    failure: () => failure,
    stop,
    async heard(event) {
      const { promise, resolve, reject } = Promise.withResolvers<ChildEvent>();
      // Whoever waits goes on, and clears up, only when nothing of the child is left.
      const stopIt = () => void stop();
      signal.addEventListener("abort", stopIt, { once: true });
      if (child.exitCode !== null) reject(new ChildDied({ file, stderr, failure, exitCode: child.exitCode }));
      waiting.set(event, [...(waiting.get(event) ?? []), { resolve, reject }]);
      return promise.finally(() => signal.removeEventListener("abort", stopIt));
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A part ended before it was ready; `failure` is the event in which it told why. */
export class ChildDied extends Error {
  readonly exitCode: number;
  readonly failure: ChildEvent | undefined;
  constructor({
    file,
    stderr,
    failure,
    exitCode,
  }: {
    file: string;
    stderr: string;
    failure: ChildEvent | undefined;
    exitCode: number;
  }) {
    super(`${file} ended with ${exitCode}: ${stderr.trim()}`);
    this.exitCode = exitCode;
    this.failure = failure;
  }
}

function parseEvent(line: string): ChildEvent {
  try {
    const event = JSON.parse(line) as ChildEvent;
    if (typeof event.event === "string") return event;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { event: "text", text: line };
}
