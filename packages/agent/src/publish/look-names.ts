import { branchNames, rivalOf, rivalPatterns } from "../core/branch.ts";
import type { PublishPlan } from "../core/publish-plan.ts";
import { lookHeads, type Remote } from "../git/look-heads.ts";
import type { GitDeps } from "../git/run-git.ts";
import type { GitHubPublisher, Pull } from "../ports/github.ts";
import { type BranchNow, lookBranch } from "./look-branch.ts";

/** One of the names under which a run may publish. `isBlocked`: git can hold no such branch beside another one. */
export type Name = { branch: string; isBlocked: boolean; head: BranchNow; pull: Pull | null };

type Looked = { names: Name[]; heads: ReadonlyMap<string, string> };

/**
 * Every name of the run as it is now, in the order in which they are to be tried. What this run has taken comes first,
 * whatever has become free since; once it has a pull request, no other name is left: a second name would end in a
 * second one.
 */
export async function lookNames(
  deps: GitDeps & { github: GitHubPublisher },
  plan: PublishPlan,
  remote: Remote,
): Promise<Looked> {
  const branches = branchNames(plan.branch);
  const [heads, pulls] = await Promise.all([
    lookHeads(deps, remote, [...branches, plan.baseRef, ...branches.flatMap(rivalPatterns)]),
    Promise.all(branches.map((branch) => deps.github.findPull(branch, plan.runId))),
  ]);
  const names: Name[] = [];
  // One after the other: each look fetches into the same ref.
  for (const [index, branch] of branches.entries()) {
    const head = await lookBranch(deps, remote, { branch, runId: plan.runId, heads });
    names.push({ branch, head, pull: pulls[index] ?? null, isBlocked: rivalOf(branch, heads.keys()) !== null });
  }
  return { names: inOrder(plan, names), heads };
}

/** Whatever people have made of its words: the number tells it too. */
export function isOwnPull(plan: PublishPlan, pull: Pull | null): boolean {
  return pull !== null && (pull.isOfThisRun || pull.number === plan.prNumber);
}

function inOrder(plan: PublishPlan, names: Name[]): Name[] {
  const withPull = names.filter(({ pull }) => isOwnPull(plan, pull));
  const own =
    withPull.find(({ pull }) => pull?.number === plan.prNumber) ??
    withPull.find(({ pull }) => pull?.state === "open") ??
    withPull[0];
  if (own) return [own];
  const pushed = names.find(({ head, pull }) => (head.is === "ours" || head.is === "human") && !pull);
  return pushed ? [pushed, ...names.filter((name) => name !== pushed)] : names;
}
