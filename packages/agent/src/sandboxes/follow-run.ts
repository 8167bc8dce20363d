import type { ChildProcess } from "node:child_process";
import { constants, setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Problem } from "@feedback-chat/protocol/problem";
import { ignoring } from "../platform/ignoring.ts";
import type { SandboxEnd, SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import { watchLimits } from "./watch-limits.ts";

/** What is known of the first process inside, however the mechanism tells it. */
export type FirstProcess = {
  onPid(then: (pid: number) => void): void;
  /** Resolves when it may be killed and the mechanism's program with it: before that, one could outlive the other. */
  whenKnown: Promise<void>;
  /** Was the command itself started? */
  hasStarted(): boolean;
  /** Ends it, and with it all in its namespace, if it is there already. */
  kill(): void;
  /** Resolves when it is gone: the kernel lets it go only after all others in its pid namespace. */
  untilGone(): Promise<void>;
};

type Following = {
  treeFolder: string;
  spec: SandboxSpec;
  stderrTail: () => string;
  first: FirstProcess;
  /** The problem to tell when the command was not started, and when the mechanism's program itself could not be. */
  wallsFailed: (stderr: string, code: number | null) => Problem;
  programFailed: (error: Error) => Problem;
};
/** A first process shows within milliseconds; a program that hangs before it has none yet. */
const unknownAtMostMs = 3_000;

type Stop = { by: Exclude<SandboxEnd["by"], "exit">; detail: string };

/** Tells how a run ended, after the last process inside has; ends it at its limits and on the caller's signal. */
export async function followRun(child: ChildProcess, following: Following): Promise<SandboxEnd> {
  const { treeFolder, spec, first } = following;
  let stop: Stop | null = null;
  let unwatch: () => void = () => undefined;
  const end = (by: Stop["by"], detail: string) => {
    stop ??= { by, detail };
    void Promise.race([first.whenKnown, pause(unknownAtMostMs, undefined, { ref: false })]).then(() => {
      first.kill();
      child.kill("SIGKILL");
    });
  };
  const onAbort = () =>
    end("signal", String((spec.signal.reason as Error | undefined)?.message ?? spec.signal.reason ?? "stopped"));
  spec.signal.addEventListener("abort", onAbort, { once: true });
  const clock = setTimeout(
    () => end("time", `longer than ${spec.limits.wallSeconds} s`),
    spec.limits.wallSeconds * 1000,
  );
  first.onPid((pid) => {
    unwatch = watchLimits({ pid, treeFolder, limits: spec.limits }, (detail) => end("resources", detail));
  });
  try {
    const { code, signal } = await exitOf(child, following);
    await first.untilGone();
    if (stop !== null) return { exitCode: null, ...(stop as Stop) };
    if (!first.hasStarted()) throw following.wallsFailed(following.stderrTail(), code);
    return judgeExit({ code, signal });
  } finally {
    clearTimeout(clock);
    unwatch();
    spec.signal.removeEventListener("abort", onAbort);
  }
}

type Exit = { code: number | null; signal: NodeJS.Signals | null };

function judgeExit({ code, signal }: Exit): SandboxEnd {
  if (code === 128 + constants.signals.SIGXFSZ)
    return { exitCode: code, by: "resources", detail: "disk: a file grew over its limit" };
  if (code === 128 + constants.signals.SIGXCPU)
    return { exitCode: code, by: "resources", detail: "processor time is used up" };
  return {
    exitCode: code,
    by: "exit",
    detail: signal === null ? `exit code ${code}` : `ended by ${signal}`,
  };
}

function exitOf(child: ChildProcess, { programFailed }: Following): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => reject(programFailed(error)));
  });
}

/** Keeps the last of a stream beside whoever reads it, for the sentence of a failure. */
export function tail(stream: Readable): () => string {
  let kept = "";
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, ...rest) => {
    if (chunk instanceof Uint8Array) kept = (kept + Buffer.from(chunk).toString("utf8")).slice(-2_000);
    return push(chunk, ...rest);
  };
  return () => kept;
}

/** The process inside may end, or close its stdin, before it was written. */
export function feed(stream: Writable, text: string | Uint8Array): void {
  stream.on("error", ignoring("EPIPE", "ECONNRESET"));
  stream.end(text);
}

/** Everything inside inherits it: heartbeats come first. */
export function lowerPriority(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, 5);
  } catch (error) {
    ignoring("ERR_SYSTEM_ERROR", "ESRCH")(error);
  }
}

export function neverStarted(): SandboxRun {
  const nothing = (async function* (): AsyncGenerator<Uint8Array> {})();
  return {
    stdout: nothing,
    stderr: nothing,
    ended: Promise.resolve({ exitCode: null, by: "signal", detail: "stopped before it started" }),
  };
}
