import { branchNames, isOurBranch } from "@feedback-chat/agent/core/branch";
import { botEmail, runMarker } from "@feedback-chat/agent/core/run-marker";
import { idOf } from "@feedback-chat/protocol/ids";
import type { ProjectGitHub } from "../github/github-for.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";

/**
 * Deletes a run's branch, under each name that the publisher may have taken.
 * @returns why there was nothing to do, or null.
 */
export async function deleteBranches(
  github: ProjectGitHub,
  branch: string,
  runId: string | null,
): Promise<string | null> {
  if (!isOurBranch(branch) || !runId) return "the branch is not ours to delete";
  const left = [];
  for (const name of branchNames(branch)) left.push(await deleteBranch(github, name, runId));
  return left.includes(null) ? null : (left[0] ?? null);
}

/** The same for a run that has ended, with the pull request that a late publisher opened from it. */
export async function sweepBranches(
  github: ProjectGitHub,
  branch: string,
  runId: string | null,
): Promise<string | null> {
  if (isOurBranch(branch) && runId)
    for (const name of branchNames(branch))
      if (await isOurs(github, name, runId)) await closePulls(github, name, runId);
  return deleteBranches(github, branch, runId);
}

async function closePulls({ octokit, named }: ProjectGitHub, branch: string, runId: string): Promise<void> {
  const { data } = await octokit.rest.pulls.list({ ...named, state: "open", head: `${named.owner}:${branch}` });
  const marker = runMarker(idOf("run", runId));
  for (const { number, head, body } of data)
    if (head.ref === branch && body?.split("\n").some((line) => line.includes(marker)))
      await octokit.rest.pulls.update({ ...named, pull_number: number, state: "closed" });
}

/** Only while our commit is its last one: what people put on top of it, or make of it, is theirs. */
async function deleteBranch(github: ProjectGitHub, branch: string, runId: string): Promise<string | null> {
  const isOursNow = await isOurs(github, branch, runId);
  if (isOursNow === null) return "the branch is gone already";
  if (!isOursNow) return "the branch's last commit is not this run's: it stays";
  const { octokit, named } = github;
  await octokit.rest.git.deleteRef({ ...named, ref: `heads/${branch}` }).catch(ignoringStatus(422));
  return null;
}

/** Null: there is no such branch. */
async function isOurs({ octokit, named }: ProjectGitHub, branch: string, runId: string): Promise<boolean | null> {
  const found = await octokit.rest.repos.getBranch({ ...named, branch }).catch(ignoringStatus(404));
  if (!found) return null;
  const { message, committer } = found.data.commit.commit;
  return committer?.email === botEmail && message.split("\n").includes(runMarker(idOf("run", runId)));
}
