import { spawn, type ChildProcess, type SpawnOptions, type IOType } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { ignoring } from "../platform/ignoring.ts";

/** O_CLOEXEC, as /proc writes flags. */
const closesOnExec = 0o2000000;

/**
 * Starts a program that finds none of the files which were open when we were started. Node marks the first ones
 * to be closed, and stops at the first gap: a descriptor 251 of a build tool reached the sandbox. Nothing here can
 * close one in the child, but it can be covered: with /dev/null.
 */
export function spawnWithoutInheritance(command: string, args: string[], options: Covered): ChildProcess {
  const nothing = openSync("/dev/null", "r+");
  try {
    const stdio: (IOType | number)[] = [...options.stdio];
    for (const number of inheritable().filter((number) => number >= options.stdio.length)) {
      while (stdio.length < number) stdio.push("ignore"); // from 3 on: untouched
      stdio[number] = nothing;
    }
    return spawn(command, args, { ...options, stdio });
  } finally {
    closeSync(nothing);
  }
}

type Covered = Omit<SpawnOptions, "stdio"> & { stdio: "pipe"[] };

function inheritable(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((number) => !closes(number))
    .sort((a, b) => a - b);
}

function closes(number: number): boolean {
  try {
    const flags = readFileSync(`/proc/self/fdinfo/${number}`, "latin1").match(/^flags:\s*([0-7]+)/m)?.[1] ?? "0";
    return (Number.parseInt(flags, 8) & closesOnExec) !== 0;
  } catch (error) {
    ignoring("ENOENT")(error); // the folder's own, closed since
    return true;
  }
}
