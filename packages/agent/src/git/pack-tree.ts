import { maxArtifactBytes } from "@feedback-chat/protocol/worker";
import { runFailure } from "../ports/run-failure.ts";
import { gitError } from "./git-error.ts";
import { runGit, tryGit, type GitDeps } from "./run-git.ts";

/** A thin pack of what the tree has beyond the base commit: with the base, all that a publisher needs. */
export async function packTree(
  deps: GitDeps,
  gitDir: string,
  { baseSha, treeId }: { baseSha: string; treeId: string },
): Promise<Uint8Array> {
  const args = ["pack-objects", "--revs", "--thin", "--stdout", "-q", "--threads=1"];
  const result = await tryGit(deps, args, {
    gitDir,
    input: `${treeId}\n^${baseSha}\n`,
    maxOutputBytes: maxArtifactBytes,
  });
  if (result.isCut) throw runFailure("bad_output", "The changes are larger than 10 MiB.");
  if (result.exitCode !== 0) throw gitError(args, result);
  return result.stdout;
}

/**
 * Takes a pack of `packTree` into a repository that has the base commit, and checks every object as `fsck --strict` would.
 * @throws Problem run_failed `bad_output` when an object is malformed or the tree is not whole.
 */
export async function importTreePack(
  deps: GitDeps,
  gitDir: string,
  { pack, treeId }: { pack: Uint8Array; treeId: string },
): Promise<void> {
  const result = await tryGit(deps, ["index-pack", "--stdin", "--fix-thin", "--strict"], {
    gitDir,
    input: pack,
  });
  if (result.exitCode !== 0)
    throw runFailure("bad_output", `git refuses the changed tree: ${result.stderr.trim().slice(0, 500)}`);
  await requireTree(deps, gitDir, treeId);
}

/** @throws Problem run_failed `bad_output` when the tree, or anything below it, is not there. */
export async function requireTree(deps: GitDeps, gitDir: string, treeId: string): Promise<void> {
  const whole = await tryGit(deps, ["rev-list", "--objects", "--quiet", "--end-of-options", `${treeId}^{tree}`], {
    gitDir,
  });
  if (whole.exitCode !== 0) throw runFailure("bad_output", `The changed tree ${treeId.slice(0, 64)} is not whole.`);
}

/** True when a commit or tree holds exactly this tree. */
export async function hasTree(
  deps: GitDeps,
  gitDir: string,
  { treeish, treeId }: { treeish: string; treeId: string },
): Promise<boolean> {
  return (
    (
      await runGit(deps, ["rev-parse", "--verify", "--end-of-options", `${treeish}^{tree}`], {
        gitDir,
      })
    )
      .toString("utf8")
      .trim() === treeId
  );
}
