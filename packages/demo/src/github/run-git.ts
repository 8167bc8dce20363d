import { execFile } from "node:child_process";
import type { Hub } from "./hub.ts";

export type GitResult = { code: number; stdout: string; stderr: string };
type Options = { input?: string | Buffer; env?: Record<string, string> };

/** git without anybody's configuration, so that the stand-in behaves the same on every machine. */
export function gitEnvironment({ searchPath }: Pick<Hub, "searchPath">): Record<string, string> {
  return {
    PATH: searchPath,
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
  };
}

/** Runs git on a bare repository and gives its exit code; the caller knows which codes it expects. */
export function tryGit(
  hub: Pick<Hub, "searchPath">,
  gitDir: string,
  args: string[],
  options: Options = {},
): Promise<GitResult> {
  const { promise, resolve, reject } = Promise.withResolvers<GitResult>();
  const env = { ...gitEnvironment(hub), ...options.env };
  const settings = { env, maxBuffer: 64 * 1024 * 1024, encoding: "utf8" as const };
  const child = execFile("git", ["--git-dir", gitDir, ...args], settings, (error, stdout, stderr) => {
    if (error && typeof error.code !== "number") return reject(error);
    resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
  });
  // A git that refuses early does not read to the end; its exit code says why.
  child.stdin?.on("error", () => child.stdin?.destroy());
  if (options.input === undefined) child.stdin?.end();
  else child.stdin?.end(options.input);
  return promise;
}

/** Runs git where only success makes sense. */
export async function git(
  hub: Pick<Hub, "searchPath">,
  gitDir: string,
  args: string[],
  options: Options = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryGit(hub, gitDir, args, options);
  if (code !== 0) throw new Error(`git ${args[0]} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

/** The commit that a name stands for; undefined when there is none. */
export async function resolveCommit(hub: Hub, gitDir: string, name: string): Promise<string | undefined> {
  const { code, stdout } = await tryGit(hub, gitDir, [
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    `${name}^{commit}`,
  ]);
  return code === 0 ? stdout.trim() : undefined;
}

export async function readRefs(hub: Hub, gitDir: string): Promise<Map<string, string>> {
  const lines = await git(hub, gitDir, [
    "for-each-ref",
    "--format=%(objectname) %(refname)",
    "refs/heads",
    "refs/tags",
  ]);
  return new Map(
    lines
      .split("\n")
      .filter(Boolean)
      .map((line) => [line.slice(41), line.slice(0, 40)]),
  );
}
