import { branchTail, rivalPatterns } from "./branch.ts";
import { type BranchRule, refusalsOf } from "./judge-branch-rules.ts";
import { botEmail } from "./run-marker.ts";

/** What keeps runs from pushing: `warn` = they push under another name, `fail` = the repository's rules refuse them. */
export type BranchFinding = { status: "pass" | "warn" | "fail"; detail: string; next: string | null };

/** A branch as runs below `branchPrefix` push it, and the branches that git cannot hold beside it. */
export function exampleBranch(branchPrefix: string): { branch: string; rivals: string[] } {
  const branch = `${branchPrefix}${branchTail(1, "abcdef")}`;
  return { branch, rivals: rivalPatterns(branch).filter((name) => !name.endsWith("*")) };
}

/**
 * Judges whether runs can push below `branchPrefix`.
 * @param found `rival` of the example's rivals the one that exists; `rules` GitHub's rules of the example's branch
 */
export function judgeBranches(
  branchPrefix: string,
  { rival, rules }: { rival: string | undefined; rules: readonly BranchRule[] },
): BranchFinding {
  const { branch } = exampleBranch(branchPrefix);
  const message = "Implement the feedback of issue #1";
  const refusals = refusalsOf(rules, { branch, message, email: botEmail });
  if (refusals.length > 0)
    return {
      status: "fail",
      detail: `The repository's rulesets would refuse a run's push: ${refusals.join("; ")}.`,
      next: `Except ${branchPrefix}/* from these rules, or set another \`branchPrefix\`.`,
    };
  if (rival === undefined) return { status: "pass", detail: `Runs can push ${branchPrefix}/issue-….`, next: null };
  return {
    status: "warn",
    detail: `The branch ${rival} is in the way: git can hold none below it. Runs push ${branchPrefix.replaceAll("/", "-")}-issue-….`,
    next: `Delete or rename ${rival}, or set another \`branchPrefix\`.`,
  };
}
