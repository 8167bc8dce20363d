import { branchNames, isOurBranch } from "@feedback-chat/agent/core/branch";
import { botEmail, runMarker } from "@feedback-chat/agent/core/run-marker";
import { idOf } from "@feedback-chat/protocol/ids";
import type { ProjectGitHub } from "../github/github-for.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";
import type { PastActs } from "./past-acts.ts";

type Run = { runId: string; acts: PastActs };

/**
 * Deletes a run's branch, under each name that the publisher may have taken, each name once.
 * @returns why there was nothing to do, or null.
 */
export async function deleteBranches(
  github: ProjectGitHub,
  branch: string,
  runId: string | null,
  acts: PastActs,
): Promise<string | null> {
  if (!isOurBranch(branch) || !runId) return "the branch is not ours to delete";
  const left = [];
  for (const name of branchNames(branch)) left.push(await deleteBranch(github, name, { runId, acts }));
  return left.includes(null) ? null : (left[0] ?? null);
}

/** The same for a run that has ended, with the pull request that a late publisher opened from it. */
export async function sweepBranches(
  github: ProjectGitHub,
  branch: string,
  runId: string | null,
  acts: PastActs,
): Promise<string | null> {
  if (isOurBranch(branch) && runId)
    for (const name of branchNames(branch))
      if (!acts.has(`heads/${name}`) && (await isOurs(github, name, runId)))
        await closePulls(github, name, { runId, acts });
  return deleteBranches(github, branch, runId, acts);
}

async function closePulls({ octokit, named }: ProjectGitHub, branch: string, { runId, acts }: Run): Promise<void> {
  const { data } = await octokit.rest.pulls.list({ ...named, state: "open", head: `${named.owner}:${branch}` });
  const marker = runMarker(idOf("run", runId));
  for (const { number, head, body } of data) {
    const isOfRun = head.ref === branch && body?.split("\n").some((line) => line.includes(marker));
    if (!isOfRun || acts.has(`pulls/${number}`)) continue;
    await octokit.rest.pulls.update({ ...named, pull_number: number, state: "closed" });
    await acts.add(`pulls/${number}`);
  }
}

/** Only while our commit is its last one: what people put on top of it, make of it, or brought back, is theirs. */
async function deleteBranch(github: ProjectGitHub, branch: string, { runId, acts }: Run): Promise<string | null> {
  const isOursNow = await isOurs(github, branch, runId);
  if (isOursNow === null) return "the branch is gone already";
  if (!isOursNow) return "the branch's last commit is not this run's: it stays";
  if (acts.has(`heads/${branch}`)) return "the branch was deleted before, and a person brought it back: it stays";
  const { octokit, named } = github;
  await octokit.rest.git.deleteRef({ ...named, ref: `heads/${branch}` }).catch(ignoringStatus(422));
  await acts.add(`heads/${branch}`);
  return null;
}

/** Null: there is no such branch. */
async function isOurs({ octokit, named }: ProjectGitHub, branch: string, runId: string): Promise<boolean | null> {
  const found = await octokit.rest.repos.getBranch({ ...named, branch }).catch(ignoringStatus(404));
  if (!found) return null;
  const { message, committer } = found.data.commit.commit;
  return committer?.email === botEmail && message.split("\n").includes(runMarker(idOf("run", runId)));
}
