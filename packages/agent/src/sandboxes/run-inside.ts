import type { Readable, Writable } from "node:stream";
import { Problem } from "@feedback-chat/protocol/problem";
import { ignoring } from "../platform/ignoring.ts";
import type { SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import { feed, followRun, lowerPriority, neverStarted, tail, type FirstProcess } from "./follow-run.ts";
import { killIfThere } from "./kill-if-there.ts";
import { isAlive, readProcess } from "./process-table.ts";
import { spawnWithoutInheritance } from "./spawn-without-inheritance.ts";

export type Launch = {
  command: string;
  args: string[];
  bwrapArgs: string[];
  /** The filter of system calls. */
  seccomp: Uint8Array;
  treeFolder: string;
  /** On the host, of the program that builds the walls. */
  workingFolder: string;
};

/**
 * File descriptors of bwrap beyond the three: its arguments (so that no list of processes shows them), its status,
 * the filter of system calls.
 */
export const argsFd = 3;
export const statusFd = 4;
export const seccompFd = 5;

/** Starts the command between its walls and tells how it ended, after the last process inside has ended. */
export function runInside(launch: Launch, spec: SandboxSpec): SandboxRun {
  if (spec.signal.aborted) return neverStarted();
  const child = spawnWithoutInheritance(launch.command, launch.args, {
    cwd: launch.workingFolder,
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
    ended: followRun(child, {
      treeFolder: launch.treeFolder,
      spec,
      stderrTail: stderr,
      first: readStatus(child.stdio[statusFd] as Readable),
      wallsFailed,
      programFailed: (error) => wallsFailed(`bwrap: ${error.message}`, null),
    }),
  };
}

/** What bwrap says when it cannot build its walls, and what to do about it. */
export function wallsFailed(stderr: string, code: number | null): Problem {
  const said =
    stderr
      .trim()
      .split("\n")
      .findLast((line) => /bwrap|setpriv|unshare|mount/.test(line)) ?? `bwrap ended with ${code}`;
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

/**
 * bwrap tells the pid of the namespace's first process, and the exit code if the command was started at all. It makes
 * that process, then tells it, then lets it go on: killed before it has told, it leaves one that waits for ever, holds
 * its streams, and is known to nobody.
 */
function readStatus(stream: Readable): FirstProcess {
  let text = "";
  let first: { pid: number; startTicks: string } | null = null;
  let listener: (pid: number) => void = () => undefined;
  const known = Promise.withResolvers<void>();
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  void closed.then(known.resolve);
  stream.setEncoding("utf8");
  stream.on("error", ignoring("ECONNRESET"));
  stream.on("data", (chunk: string) => {
    text += chunk;
    const pid = Number(text.match(/"child-pid":\s*(\d+)/)?.[1] ?? 0);
    if (first !== null || pid === 0) return;
    first = { pid, startTicks: readProcess(pid)?.startTicks ?? "" };
    known.resolve();
    listener(pid);
  });
  const isStillThat = () =>
    first !== null && isAlive(first.pid) && readProcess(first.pid)?.startTicks === first.startTicks;
  return {
    kill() {
      if (first !== null && isStillThat()) killIfThere(first.pid);
    },
    whenKnown: known.promise,
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
