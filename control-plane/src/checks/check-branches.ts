import { exampleBranch, judgeBranches } from "@feedback-chat/agent/core/judge-branches";
import type { ProjectCheck } from "@feedback-chat/protocol/check";
import type { ProjectGitHub } from "../github/github-for.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";

const pageSize = 100;

/** Whether a run could push its branch: nothing in its way, and no ruleset that would refuse it. */
export async function checkBranches(
  { octokit, named }: ProjectGitHub,
  branchPrefix: string,
): Promise<ProjectCheck["branches"]> {
  const { branch, rivals } = exampleBranch(branchPrefix);
  const found = await Promise.all(
    rivals.map((name) => octokit.rest.git.getRef({ ...named, ref: `heads/${name}` }).catch(ignoringStatus(404))),
  );
  // Servers that know no rulesets answer 404.
  const rules = await octokit.rest.repos
    .getBranchRules({ ...named, branch, per_page: pageSize })
    .catch(ignoringStatus(404));
  const rival = rivals.find((_, nth) => found[nth]);
  const { status, detail, next } = judgeBranches(branchPrefix, { rival, rules: rules?.data ?? [] });
  return { ok: status !== "fail", detail, next };
}
