import type { Evidence } from "@feedback-chat/protocol/evidence";
import { checksOutcome } from "@feedback-chat/protocol/evidence";
import { treeInfo, type TreeInfo } from "@feedback-chat/protocol/worker";
import { importTreePack } from "../git/pack-tree.ts";
import type { Coordinator } from "../ports/coordinator.ts";
import type { RunRepository } from "../ports/git.ts";
import { asRunFailure } from "../ports/run-failure.ts";

/** A tree whose objects are in the run's repository. */
export type KeptTree = { info: TreeInfo; diff: Uint8Array };

type Kept = { treePack: Uint8Array; diffPatch: Uint8Array };
type Made = { baseRef: string; title: string; evidence: Evidence };

/** `tree.json`: with the pack and the base commit, any worker goes on from here. */
export function treeInfoOf({ baseRef, title, evidence }: Made): TreeInfo {
  const { treeId, baseSha, isUnfinished } = evidence.done;
  const has = (level: string) => evidence.flagged.some((verdict) => verdict.level === level);
  return {
    baseSha,
    baseRef,
    treeId,
    title,
    evidence,
    permit: {
      treeId,
      baseSha,
      hasHoldVerdict: has("hold"),
      hasFlag: has("flag"),
      checks: checksOutcome(evidence.checked.checks),
      isUnfinished,
    },
  };
}

/** Before `keepEvidence`: a `tree.json` says that its pack is there. */
export async function keepTree(coordinator: Coordinator, kept: Kept): Promise<void> {
  await Promise.all([
    coordinator.putArtifact("tree.pack", kept.treePack),
    coordinator.putArtifact("diff.patch", kept.diffPatch),
  ]);
}

export async function keepEvidence(coordinator: Coordinator, info: TreeInfo): Promise<void> {
  await Promise.all([
    coordinator.putArtifact("evidence.json", bytesOf(info.evidence)),
    coordinator.putArtifact("tree.json", bytesOf(info)),
  ]);
}

/** What an earlier attempt left; null when it left nothing, or not all of it. */
export async function readKeptTree(
  coordinator: Coordinator,
  names: string[],
): Promise<(KeptTree & { pack: Uint8Array }) | null> {
  if (!names.includes("tree.json") || !names.includes("tree.pack")) return null;
  const [info, pack, diff] = await Promise.all([
    coordinator.getArtifact("tree.json"),
    coordinator.getArtifact("tree.pack"),
    coordinator.getArtifact("diff.patch"),
  ]);
  if (!info || !pack || !diff) return null;
  return { info: treeInfo.parse(JSON.parse(new TextDecoder().decode(info))), pack, diff };
}

type OpenDeps = { signal: AbortSignal; log: { write(level: "warn", text: string): void } };

/** Puts the kept objects into the run's repository, every one checked. */
export async function openKeptTree(
  deps: OpenDeps,
  { gitDir }: RunRepository,
  { left, isNeeded }: { left: KeptTree & { pack: Uint8Array }; isNeeded: boolean },
): Promise<KeptTree | null> {
  try {
    await importTreePack(deps, gitDir, { pack: left.pack, treeId: left.info.treeId });
    return left;
  } catch (error) {
    // A crash between the two artifacts leaves them unequal: a fresh attempt then begins at the base.
    if (isNeeded || asRunFailure(error)?.code !== "bad_output") throw error;
    deps.log.write("warn", "The earlier change cannot be used: the run starts from the base commit.");
    return null;
  }
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
