import { dirname, join } from "node:path";
import type { ChangedFile } from "@feedback-chat/protocol/evidence";
import type { CheckChain } from "../core/choose-checks.ts";
import type { Redactor } from "../core/redact.ts";
import type { Clock } from "../ports/clock.ts";
import type { Level } from "../ports/engine.ts";
import type { RunRepository } from "../ports/git.ts";
import type { JobName, Sandbox, SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import type { Layers } from "./deps.ts";
import { insidePaths } from "../core/inside-paths.ts";
import { isFolder } from "./find-layers.ts";
import { restoreBaseRules } from "./restore-base-rules.ts";
import { runCheck, type Judged } from "./run-check.ts";

export type ChainDeps = {
  sandbox: Sandbox;
  clock: Clock;
  redactor: Pick<Redactor, "text">;
  signal: AbortSignal;
  log(level: Level, message: string): void;
};
export type SideName = "base" | "change";
export type ChainInput = {
  side: SideName;
  chain: CheckChain;
  layers: Layers;
  limits: SandboxLimits;
  /** When the time for all checks is over; it may come nearer while they run. */
  endsAtMs(): number;
};

/**
 * A fresh sandbox with the files as git holds them, not the agent's folder. In the change's own copy the base's rules
 * hold again. Nothing has run there yet.
 */
export async function openSide(
  deps: ChainDeps,
  repository: RunRepository,
  input: { treeish: string; files: ChangedFile[]; job: JobName },
): Promise<SandboxJob> {
  const sandbox = await deps.sandbox.open(input.job);
  try {
    await repository.exportTree(input.treeish, sandbox.treeFolder);
    const restored = await restoreBaseRules(repository, { folder: sandbox.treeFolder, files: input.files });
    if (restored.length > 0)
      deps.log("info", `Checks run by the base commit's rules, not by the changed ${restored.join(", ")}.`);
    await sandbox.own(sandbox.treeFolder);
    return sandbox;
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs the checks of one folder, one after the other, within the time that is left. */
export async function runChain(deps: ChainDeps, sandbox: SandboxJob, input: ChainInput): Promise<Judged[]> {
  const { side, chain, layers, limits } = input;
  const results: Judged[] = [];
  for (const check of chain.checks) {
    const leftSeconds = (input.endsAtMs() - deps.clock.monotonicMs()) / 1000;
    const wallSeconds = Math.min(limits.wallSeconds, leftSeconds);
    const standing = await standingLayers(sandbox.treeFolder, layers);
    const within = { check, folder: chain.folder, layers: standing, limits: { ...limits, wallSeconds } };
    const isThere = await isRealFolder(sandbox.treeFolder, chain.folder);
    const judged = !isThere
      ? folderGone(chain.folder)
      : wallSeconds < 1
        ? outOfTime
        : await runCheck(deps, sandbox, within);
    const { outcome, durationMs } = judged.side;
    const seconds = (durationMs / 1000).toFixed(1);
    const said = `${check.name} on the ${side}: ${outcome.replace("_", " ")} in ${seconds} s`;
    deps.log(outcome === "passed" ? "info" : "warn", said);
    results.push(judged);
  }
  return results;
}

/** Without those that have no place in this tree any more: the walls could not be built around it. */
async function standingLayers(tree: string, layers: Layers): Promise<Layers> {
  const stands = async ({ inside }: { inside: string }) =>
    !inside.startsWith(`${insidePaths.tree}/`) ||
    isRealFolder(tree, dirname(inside.slice(insidePaths.tree.length + 1)).replace(/^\.$/, ""));
  const standing = async <T extends { inside: string }>(all: T[]): Promise<T[]> => {
    const facts = await Promise.all(all.map(stands));
    return all.filter((_, index) => facts[index]);
  };
  return { ...layers, folders: await standing(layers.folders), mounts: await standing(layers.mounts) };
}

/** Looked at from the host, part by part: no link that the change brought is followed. */
async function isRealFolder(tree: string, path: string): Promise<boolean> {
  let at = tree;
  for (const part of path.split("/").filter(Boolean)) {
    at = join(at, part);
    if (!(await isFolder(at))) return false;
  }
  return true;
}

function folderGone(folder: string): Judged {
  const outputTail = `The change removed ${folder}, where this check runs.`;
  return { side: { outcome: "failed", durationMs: 0, outputTail }, said: outputTail };
}

const outOfTime: Judged = {
  side: { outcome: "timed_out", durationMs: 0, outputTail: "The time for all checks was used up." },
  said: "",
};
