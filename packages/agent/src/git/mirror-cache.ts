import { createHash } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../ports/clock.ts";
import { runFailure } from "../ports/run-failure.ts";
import type { GitToken } from "./git-environment.ts";
import { accessFailure, remoteTrouble } from "./remote-trouble.ts";
import { gitError } from "./git-error.ts";
import { isThere } from "../platform/install-once.ts";
import { noteWhole, wasWhole } from "./whole-mirror.ts";
import { runGit, tryGit, type GitDeps } from "./run-git.ts";
import { withFolderLock } from "./with-folder-lock.ts";

export type Deps = GitDeps & { clock: Clock };

export type MirrorWanted = {
  cacheFolder: string;
  repositoryId: number;
  cloneUrl: string;
  token: GitToken | null;
  /** Null: the branch that the remote's HEAD names. */
  baseRef: string | null;
  /** Null: where that branch stands now. */
  baseSha: string | null;
};

export type MirrorAnswer = { mirrorDir: string; baseRef: string; baseSha: string };

const maxPacks = 20;

/**
 * Brings one commit (depth 1) into the mirror of this repository and calls `use` while the mirror is locked.
 * A mirror that git cannot use is made anew.
 * @throws Problem run_failed: `github_access`, or `clone` when the base is gone or the repository empty.
 */
export async function withMirror<T>(
  deps: Deps,
  wanted: MirrorWanted,
  use: (mirror: MirrorAnswer) => Promise<T>,
): Promise<T> {
  await mkdir(wanted.cacheFolder, { recursive: true, mode: 0o700 });
  const mirrorDir = join(wanted.cacheFolder, mirrorName(wanted));
  return withFolderLock(deps, `${mirrorDir}.lock`, async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        await prepareMirror(deps, mirrorDir);
        const tip = await lookTip(deps, wanted);
        const isHere = await wasWhole(mirrorDir, tip.sha);
        const baseSha = isHere ? tip.sha : await fetchCommit(deps, mirrorDir, { ...wanted, baseRef: tip.baseRef });
        return await use({ mirrorDir, baseRef: tip.baseRef, baseSha });
      } catch (error) {
        deps.signal.throwIfAborted();
        if (attempt === 3 || isForGood(error)) throw error;
        // Whether the mirror or the network was at fault: a new mirror rules the first out.
        await rm(mirrorDir, { recursive: true, force: true });
        await deps.clock.wait(500 * 4 ** (attempt - 1), deps.signal);
      }
    }
  });
}

/**
 * The id alone is what somebody says that a repository is. Whoever can read this address may have what came from there,
 * and nothing else.
 */
function mirrorName({ repositoryId, cloneUrl }: MirrorWanted): string {
  return `${repositoryId}.${createHash("sha256").update(cloneUrl).digest("hex").slice(0, 16)}.git`;
}

function isForGood(error: unknown): boolean {
  return error instanceof Error && error.name === "Problem";
}

async function prepareMirror(deps: Deps, mirrorDir: string): Promise<void> {
  if (!(await isThere(join(mirrorDir, "HEAD"))))
    await runGit(deps, ["init", "--quiet", "--bare", "--template=", "--", mirrorDir], { gitDir: null });
  const packs = await readdir(join(mirrorDir, "objects/pack"));
  if (packs.filter((name) => name.endsWith(".pack")).length > maxPacks) {
    await runGit(deps, ["repack", "-a", "-d", "-q"], { gitDir: mirrorDir, timeoutSeconds: 600 });
  }
}

/**
 * Where the base stands now, in one look: most runs find that commit in the mirror already. A resumed run, which knows
 * its commit, asks too: the mirror is for those who can read the repository now.
 */
async function lookTip(deps: Deps, wanted: MirrorWanted): Promise<{ baseRef: string; sha: string }> {
  const { baseRef, baseSha, cloneUrl, token } = wanted;
  const ref = baseRef === null ? "HEAD" : `refs/heads/${baseRef}`;
  const args = ["ls-remote", "--symref", "--", cloneUrl, ref];
  const result = await tryGit(deps, args, { gitDir: null, token, timeoutSeconds: 60 });
  if (result.exitCode !== 0) throw remoteError(args, result);
  if (baseRef !== null && baseSha !== null) return { baseRef, sha: baseSha };
  const lines = result.stdout.toString("utf8").split("\n");
  // It shows every ref whose name ends so.
  const stands = lines.find((line) => line.endsWith(`\t${ref}`) && !line.startsWith("ref: "));
  const branch = baseRef ?? /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(result.stdout.toString("utf8"))?.[1];
  if (branch === undefined || stands === undefined)
    throw baseRef === null ? emptyRepository() : await baseIsGone(deps, { ...wanted, baseRef });
  return { baseRef: branch, sha: baseSha ?? stands.slice(0, stands.indexOf("\t")) };
}

async function fetchCommit(deps: Deps, mirrorDir: string, wanted: MirrorWanted & { baseRef: string }): Promise<string> {
  const { baseRef, baseSha, cloneUrl, token } = wanted;
  const source = baseSha ?? `refs/heads/${baseRef}`;
  const local = `refs/mirror/${baseSha ?? baseRef}`;
  const args = [
    ...["-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--force"],
    ...["--", cloneUrl, `+${source}:${local}`],
  ];
  const result = await tryGit(deps, args, { gitDir: mirrorDir, token, timeoutSeconds: 600 });
  if (result.exitCode !== 0) {
    if (remoteTrouble(result) === "no_ref") throw await baseIsGone(deps, wanted);
    throw remoteError(["fetch"], result);
  }
  const revision = ["rev-parse", "--verify", "--end-of-options", `${local}^{commit}`];
  const sha = (await runGit(deps, revision, { gitDir: mirrorDir })).toString("utf8").trim();
  await runGit(deps, ["rev-list", "--objects", "--quiet", "-1", sha], { gitDir: mirrorDir });
  await noteWhole(mirrorDir, sha);
  return sha;
}

async function baseIsGone(deps: Deps, wanted: MirrorWanted & { baseRef: string }): Promise<Error> {
  const result = await tryGit(deps, ["ls-remote", "--heads", "--", wanted.cloneUrl], {
    gitDir: null,
    token: wanted.token,
    timeoutSeconds: 60,
  });
  if (result.exitCode === 0 && result.stdout.length === 0) return emptyRepository();
  const what = wanted.baseSha ? `the commit ${wanted.baseSha}` : `the branch "${wanted.baseRef}"`;
  return runFailure("clone", `The base is gone: the repository no longer has ${what}.`, {
    next: "Choose a branch that exists as the project's base, then retry.",
  });
}

function emptyRepository(): Error {
  return runFailure("clone", "The repository is empty: it has no branch to start from.", {
    next: "Push a first commit, then retry.",
  });
}

function remoteError(args: string[], result: Parameters<typeof gitError>[1]): Error {
  return remoteTrouble(result) === "access" ? accessFailure("read", result.stderr) : gitError(args, result);
}
