import { execa } from "execa";
import { endingWithUs } from "../platform/ending-with-us.ts";
import { ignoring } from "../platform/ignoring.ts";
import { gitEnvironment, type GitNetwork, type GitProtocol, type GitToken } from "./git-environment.ts";
import { gitError, withoutSecrets, type GitResult } from "./git-error.ts";

export type GitDeps = {
  /** Ends the command and everything that it started. */
  signal: AbortSignal;
  /** `file` is for tests that clone from a folder. */
  protocols?: readonly GitProtocol[];
  /** For commands that talk to a remote. */
  network?: GitNetwork;
};

export type GitOptions = {
  /** The repository: always ours, never one that an agent could touch. Null for `init` and `ls-remote`. */
  gitDir: string | null;
  input?: string | Uint8Array;
  env?: Record<string, string>;
  token?: GitToken | null;
  workingFolder?: string;
  timeoutSeconds?: number;
  maxOutputBytes?: number;
};

/**
 * The only place that starts git. Standard output as bytes.
 * @throws the signal's reason when it was aborted; an Error without secrets when git failed.
 */
export async function runGit(deps: GitDeps, args: string[], options: GitOptions): Promise<Buffer> {
  const result = await tryGit(deps, args, options);
  if (result.exitCode !== 0 || result.isCut) throw gitError(args, result);
  return result.stdout;
}

/** As `runGit`, for callers that know what an exit code means. */
export async function tryGit(deps: GitDeps, args: string[], options: GitOptions): Promise<GitResult> {
  const { token = null, timeoutSeconds = 120, maxOutputBytes = 64 * 1024 * 1024 } = options;
  deps.signal.throwIfAborted();
  const child = startGit(deps, args, options, maxOutputBytes);
  let isTimedOut = false;
  const killGroup = () => endGroup(child.pid);
  const timer = setTimeout(() => {
    isTimedOut = true;
    killGroup();
  }, timeoutSeconds * 1000);
  deps.signal.addEventListener("abort", killGroup, { once: true });
  try {
    const result = await child;
    deps.signal.throwIfAborted();
    const stderr = withoutSecrets(Buffer.from(result.stderr).toString("utf8"), token, deps.network);
    if (child.pid === undefined || result.exitCode === notFound)
      throw new Error("git could not be started: is it installed?", { cause: result });
    return {
      exitCode: result.exitCode ?? -1,
      isTimedOut,
      isCut: result.isMaxBuffer,
      stdout: Buffer.from(result.stdout),
      stderr,
    };
  } finally {
    clearTimeout(timer);
    deps.signal.removeEventListener("abort", killGroup);
  }
}

const notFound = 127;

/**
 * Callers that talk to a remote say with which token, null for none: their git ends with us, since an orphan would go
 * on writing into the mirror that the next attempt makes anew. The others end by themselves.
 */
function commandOf(args: string[], { token }: GitOptions): [command: string, args: string[]] {
  return token === undefined ? ["git", args] : endingWithUs("git", args);
}

function startGit(deps: GitDeps, args: string[], options: GitOptions, maxBuffer: number) {
  return execa(...commandOf(args, options), {
    ...processOptions(deps, options),
    encoding: "buffer",
    maxBuffer,
    reject: false,
  });
}

function startStream(deps: GitDeps, args: string[], options: GitOptions) {
  return execa(...commandOf(args, options), {
    ...processOptions(deps, options),
    encoding: "buffer",
    buffer: { stdout: false },
    maxBuffer: 64 * 1024,
    reject: false,
  });
}

function processOptions(
  deps: GitDeps,
  { gitDir, input = "", env = {}, token = null, workingFolder = "/" }: GitOptions,
) {
  return {
    cwd: workingFolder,
    extendEnv: false,
    env: {
      ...gitEnvironment(deps.protocols ?? ["http", "https"], token, deps.network),
      ...(gitDir ? { GIT_DIR: gitDir } : {}),
      ...env,
    },
    input,
    stripFinalNewline: false,
    // A group of its own, so that git's remote helpers end with it.
    detached: true,
  } as const;
}

/** Streams a long answer instead of holding it. The caller reads `stdout` to its end, then awaits `end()`; `stop()` if it gives up. */
export function streamGit(deps: GitDeps, args: string[], options: GitOptions) {
  deps.signal.throwIfAborted();
  const child = startStream(deps, args, options);
  const stop = () => endGroup(child.pid);
  deps.signal.addEventListener("abort", stop, { once: true });
  const end = async (): Promise<void> => {
    const result = await child;
    deps.signal.removeEventListener("abort", stop);
    deps.signal.throwIfAborted();
    if (result.exitCode !== 0)
      throw new Error(
        `git ${args[0]} ended with ${result.exitCode}: ${Buffer.from(result.stderr ?? [])
          .toString("utf8")
          .slice(0, 500)}`,
      );
  };
  return { stdout: child.stdout as AsyncIterable<Buffer>, end, stop };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    ignoring("ESRCH")(error);
  }
}
