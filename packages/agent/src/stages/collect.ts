import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ChangedFile, Verdict } from "@feedback-chat/protocol/evidence";
import { isProblem, type Problem } from "@feedback-chat/protocol/problem";
import type { Redactor } from "../core/redact.ts";
import { judgeChanges } from "../core/verdicts.ts";
import { openIgnoredPaths } from "../git/ignored-paths.ts";
import { listTree } from "../git/list-tree.ts";
import { importTreePack, packTree } from "../git/pack-tree.ts";
import { readDiff, type FileChange } from "../git/read-diff.ts";
import type { GitDeps } from "../git/run-git.ts";
import { walkTree } from "../git/walk-tree.ts";
import { writeTree } from "../git/write-tree.ts";
import { asDiskFull } from "../platform/disk-full.ts";
import type { RunRepository } from "../ports/git.ts";
import { runFailure } from "../ports/run-failure.ts";
import { requireNoSecrets } from "../git/require-no-secrets.ts";

export type CollectInput = {
  repository: RunRepository;
  /** The work tree of a sandbox whose last process is gone: nothing may write to it any more. */
  treeFolder: string;
  /** The run's own folder, which no sandbox sees. */
  runFolder: string;
  /** Project settings beside our own list of protected paths. */
  protectedPaths: string[];
  redactor: Redactor;
};

export type Collected = {
  treeId: string;
  files: ChangedFile[];
  /** Of levels `hold` and `flag`; `refuse` ends the run instead. */
  verdicts: Verdict[];
  diffPatch: Uint8Array;
  /** Thin pack on the base commit: with `treeId`, any worker can publish from it. */
  treePack: Uint8Array;
  ignoredFiles: number;
  /** Nothing was changed: there is nothing to publish. */
  isEmpty: boolean;
};

/**
 * Turns what the agent left on disk into a tree object of our own making. The work tree is read by our own code;
 * no git command sees it. Nothing that it throws is worth another attempt: the agent would be paid for again.
 * @throws Problem run_failed `bad_output`, with the refused paths; `secret_found`; `disk_full`.
 */
export async function collectTree(deps: GitDeps, input: CollectInput): Promise<Collected> {
  try {
    return await collect(deps, input);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw asFinal(error);
  }
}

/** A Problem stays what it says; any other error is told as the end of the run, with its cause. */
function asFinal(error: unknown): Problem {
  const full = asDiskFull(error);
  if (full) return runFailure("disk_full", full.message, { next: full.next, cause: error });
  if (isProblem(error)) return error;
  const said = (error instanceof Error ? error.message : String(error)).slice(0, 500);
  return runFailure("bad_output", `The change cannot be read: ${said}.`, { cause: error });
}

async function collect(deps: GitDeps, input: CollectInput): Promise<Collected> {
  const { repository, treeFolder, runFolder } = input;
  const { gitDir, baseSha } = repository;
  const base = await listTree(deps, gitDir, baseSha);
  const rulesFolder = join(runFolder, "ignore-rules");
  await rm(rulesFolder, { recursive: true, force: true });
  const ignored = await openIgnoredPaths(deps, gitDir, { base, scratchFolder: rulesFolder });
  const walk = await walkTree(ignored, { folder: treeFolder, base });
  requireNoRefusal(walk.refusals);
  const { treeId, compare } = await writeTree(deps, gitDir, {
    baseSha,
    base,
    ...walk,
    scratchFolder: join(runFolder, "blobs"),
  });
  const [read, packed] = await Promise.allSettled([
    readDiff(deps, gitDir, { baseSha, treeId }),
    packTree(deps, gitDir, { baseSha, treeId }),
  ]);
  const { changes, raw, diffPatch } = valueOf(read);
  compare(raw);
  const verdicts = judgeChanges(changes, {
    basePaths: base.map(({ path }) => path),
    protectedPaths: input.protectedPaths,
  });
  requireNoRefusal(verdicts.filter(({ level }) => level === "refuse"));
  // Here already, since what is kept of a run is shown to people before it is published.
  requireNoSecrets(input.redactor, changes);
  const treePack = valueOf(packed);
  // Reading the pack back checks every new object as `fsck --strict` does.
  await importTreePack(deps, gitDir, { pack: treePack, treeId });
  await rm(rulesFolder, { recursive: true, force: true });
  return {
    treeId,
    files: changes.map(fileOf),
    verdicts,
    diffPatch,
    treePack,
    ignoredFiles: walk.ignoredFiles,
    isEmpty: changes.length === 0,
  };
}

/** Both have ended by then, and the first of them that failed is told. */
function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

function requireNoRefusal(refusals: Verdict[]): void {
  if (refusals.length === 0) return;
  const shown = refusals.slice(0, 10).map(({ path, detail }) => `${path} (${detail})`);
  throw runFailure("bad_output", `The change is refused: ${shown.join(", ")}.`, {
    next: "Retry, or ask for a change that leaves these paths alone.",
    paths: refusals.map(({ path }) => path),
  });
}

function fileOf({ path, change, addedLines, removedLines }: FileChange): ChangedFile {
  return { path, change, addedLines, removedLines };
}
