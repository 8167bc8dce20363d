import { branchTail, rivalPatterns } from "@feedback-chat/agent/core/branch";
import { botEmail } from "@feedback-chat/agent/core/run-marker";
import type { ProjectCheck } from "@feedback-chat/protocol/check";
import { refusalsOf } from "../core/judge-branch-rules.ts";
import type { ProjectGitHub } from "../github/github-for.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";

const pageSize = 100;

/** Whether a run could push its branch: nothing in its way, and no ruleset that would refuse it. */
export async function checkBranches(
  { octokit, named }: ProjectGitHub,
  branchPrefix: string,
): Promise<ProjectCheck["branches"]> {
  const branch = `${branchPrefix}${branchTail(1, "abcdef")}`;
  const folders = rivalPatterns(branch).filter((name) => !name.endsWith("*"));
  const found = await Promise.all(
    folders.map((name) => octokit.rest.git.getRef({ ...named, ref: `heads/${name}` }).catch(ignoringStatus(404))),
  );
  // Servers that know no rulesets answer 404.
  const rules = await octokit.rest.repos
    .getBranchRules({ ...named, branch, per_page: pageSize })
    .catch(ignoringStatus(404));
  const message = "Implement the feedback of issue #1";
  const refusals = refusalsOf(rules?.data ?? [], { branch, message, email: botEmail });
  if (refusals.length > 0)
    return {
      ok: false,
      detail: `The repository's rulesets would refuse a run's push: ${refusals.join("; ")}.`,
      next: `Except ${branchPrefix}/* from these rules, or set another \`branchPrefix\`.`,
    };
  const rival = folders.find((_, nth) => found[nth]);
  if (rival === undefined) return { ok: true, detail: `Runs can push ${branchPrefix}/issue-….`, next: null };
  return {
    ok: true,
    detail: `The branch ${rival} is in the way: git can hold none below it. Runs push ${branchPrefix.replaceAll("/", "-")}-issue-….`,
    next: `Delete or rename ${rival}, or set another \`branchPrefix\`.`,
  };
}
