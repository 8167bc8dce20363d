import type { ChildProcess } from "node:child_process";
import { constants, setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { Problem } from "@feedback-chat/protocol/problem";
import { ignoring } from "../platform/ignoring.ts";
import type { SandboxEnd, SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import { killIfThere } from "./kill-if-there.ts";
import { isAlive, readProcess } from "./process-table.ts";
import { spawnWithoutInheritance } from "./spawn-without-inheritance.ts";
import { watchLimits } from "./watch-limits.ts";

export type Launch = {
  command: string;
  args: string[];
  bwrapArgs: string[];
  /** The filter of system calls. */
  seccomp: Uint8Array;
  treeFolder: string;
};

/**
 * File descriptors of bwrap beyond the three: its arguments (so that no list of processes shows them), its status,
 * the filter of system calls.
 */
export const argsFd = 3;
export const statusFd = 4;
export const seccompFd = 5;

type Stop = { by: Exclude<SandboxEnd["by"], "exit">; detail: string };

/** Starts the command between its walls and tells how it ended, after the last process inside has ended. */
export function runInside(launch: Launch, spec: SandboxSpec): SandboxRun {
  if (spec.signal.aborted) return neverStarted();
  const child = spawnWithoutInheritance(launch.command, launch.args, {
    cwd: "/",
    env: {},
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  const stderr = tail(child.stderr as Readable);
  feed(child.stdin as Writable, spec.stdin);
  feed(child.stdio[argsFd] as Writable, launch.bwrapArgs.map((argument) => `${argument}\0`).join(""));
  const streams: readonly unknown[] = child.stdio; // the type ends at five
  feed(streams[seccompFd] as Writable, launch.seccomp);
  lowerPriority(child);
  return {
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended: follow(child, { launch, spec, stderrTail: stderr }),
  };
}

type Following = { launch: Launch; spec: SandboxSpec; stderrTail: () => string };

async function follow(child: ChildProcess, { launch, spec, stderrTail }: Following): Promise<SandboxEnd> {
  const status = readStatus(child.stdio[statusFd] as Readable);
  let stop: Stop | null = null;
  let unwatch: () => void = () => undefined;
  const end = (by: Stop["by"], detail: string) => {
    stop ??= { by, detail };
    child.kill("SIGKILL");
    const first = status.firstPid();
    if (first !== null && status.isStillThat()) killIfThere(first);
  };
  const onAbort = () =>
    end("signal", String((spec.signal.reason as Error | undefined)?.message ?? spec.signal.reason ?? "stopped"));
  spec.signal.addEventListener("abort", onAbort, { once: true });
  const clock = setTimeout(
    () => end("time", `longer than ${spec.limits.wallSeconds} s`),
    spec.limits.wallSeconds * 1000,
  );
  status.onPid((pid) => {
    unwatch = watchLimits({ pid, treeFolder: launch.treeFolder, limits: spec.limits }, (detail) =>
      end("resources", detail),
    );
  });
  try {
    const { code, signal } = await exitOf(child);
    await status.untilGone();
    if (stop !== null) return { exitCode: null, ...(stop as Stop) };
    return judgeExit({ code, signal, hasStarted: status.hasStarted(), stderr: stderrTail() });
  } finally {
    clearTimeout(clock);
    unwatch();
    spec.signal.removeEventListener("abort", onAbort);
  }
}

type Exit = { code: number | null; signal: NodeJS.Signals | null };

function judgeExit({ code, signal, hasStarted, stderr }: Exit & { hasStarted: boolean; stderr: string }): SandboxEnd {
  if (!hasStarted) throw wallsFailed(stderr, code);
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

/** What bwrap says when it cannot build its walls, and what to do about it. */
export function wallsFailed(stderr: string, code: number | null): Problem {
  const said =
    stderr
      .trim()
      .split("\n")
      .findLast((line) => line.includes("bwrap") || line.includes("setpriv")) ?? `bwrap ended with ${code}`;
  return new Problem("sandbox_unavailable", `bubblewrap cannot build the sandbox: ${said.slice(0, 300)}`, {
    next: remedyFor(said),
  });
}

function remedyFor(said: string): string {
  if (/No space left on device|ENOSPC/.test(said))
    return "User namespaces are switched off here: `sysctl -w user.max_user_namespaces=15000`, and the same in /etc/sysctl.d.";
  if (/(namespace|uid map|gid map|setns|loopback).*(not permitted|denied)|No permissions to create/i.test(said)) {
    return "This system forbids user namespaces to programs: on Ubuntu give bwrap an AppArmor profile with `userns,` (or `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`), on older Debian `sysctl -w kernel.unprivileged_userns_clone=1`; in a container start it with user namespaces allowed.";
  }
  if (/No such file|not found|ENOENT/.test(said))
    return "Install bubblewrap and util-linux: `apt-get install -y bubblewrap util-linux`.";
  return "See what it says by itself: `bwrap --unshare-user --unshare-net --ro-bind / / true`.";
}

/** bwrap tells the pid of the namespace's first process, and the exit code if the command was started at all. */
function readStatus(stream: Readable) {
  let text = "";
  let first: { pid: number; startTicks: string } | null = null;
  let listener: (pid: number) => void = () => undefined;
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  stream.setEncoding("utf8");
  stream.on("error", ignoring("ECONNRESET"));
  stream.on("data", (chunk: string) => {
    text += chunk;
    const pid = Number(text.match(/"child-pid":\s*(\d+)/)?.[1] ?? 0);
    if (first !== null || pid === 0) return;
    first = { pid, startTicks: readProcess(pid)?.startTicks ?? "" };
    listener(pid);
  });
  const isStillThat = () =>
    first !== null && isAlive(first.pid) && readProcess(first.pid)?.startTicks === first.startTicks;
  return {
    firstPid: () => first?.pid ?? null,
    isStillThat,
    hasStarted: () => /"exit-code"/.test(text),
    onPid: (then: (pid: number) => void) => void (listener = then),
    /** The kernel lets the first process of a pid namespace go only after all others in it are gone. */
    async untilGone(): Promise<void> {
      await closed;
      for (const start = performance.now(); isStillThat();) {
        if (first !== null) killIfThere(first.pid);
        if (performance.now() - start > 10_000) throw new Error(`process ${first?.pid} of a sandbox does not end`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => reject(wallsFailed(`bwrap: ${error.message}`, null)));
  });
}

/** Keeps the last of a stream beside whoever reads it, for the sentence of a failure. */
function tail(stream: Readable): () => string {
  let kept = "";
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, ...rest) => {
    if (chunk instanceof Uint8Array) kept = (kept + Buffer.from(chunk).toString("utf8")).slice(-2_000);
    return push(chunk, ...rest);
  };
  return () => kept;
}

/** The process inside may end, or close its stdin, before it was written. */
function feed(stream: Writable, text: string | Uint8Array): void {
  stream.on("error", ignoring("EPIPE", "ECONNRESET"));
  stream.end(text);
}

/** Everything inside inherits it: heartbeats come first. */
function lowerPriority(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, 5);
  } catch (error) {
    ignoring("ERR_SYSTEM_ERROR", "ESRCH")(error);
  }
}

function neverStarted(): SandboxRun {
  const nothing = (async function* (): AsyncGenerator<Uint8Array> {})();
  return {
    stdout: nothing,
    stderr: nothing,
    ended: Promise.resolve({ exitCode: null, by: "signal", detail: "stopped before it started" }),
  };
}
