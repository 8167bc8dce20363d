import type { Actor } from "@feedback-chat/protocol/actor";
import type { ProjectGitHub } from "../github/github-for.ts";
import { loginOf, permissionOf } from "../github/permission-of.ts";
import type { Delivered } from "./delivered.ts";

export type Merge = {
  number: number;
  /** What the person approved. Anything put on top of it since is not merged. */
  headSha: string;
  /** GitHub's id of whoever approved; null when we know no account of theirs. */
  githubId: number | null;
  actor: Actor;
};

/** Checks may still run, a base may have moved: looked at again, for about an hour. */
const waiting = ["unknown", "unstable", "blocked", "behind", "draft"];
const lookAgainSeconds = 30;

/**
 * Merges for the person who approved, if that person could do it by hand at this moment: their account at GitHub may
 * write to the repository, the branch stands where they saw it, every check is green.
 */
export async function mergePull(github: ProjectGitHub, { number, headSha, githubId }: Merge): Promise<Delivered> {
  const { octokit, named } = github;
  const { data: pull } = await octokit.rest.pulls.get({ ...named, pull_number: number });
  if (pull.merged) return { kind: "done", note: "it was merged already" };
  if (pull.state === "closed") return { kind: "done", note: "the pull request is closed" };
  const barrier = pull.head.sha === headSha ? await barrierOf(github, githubId) : "the branch moved since the approval";
  if (barrier) return { kind: "hopeless", note: barrier };
  if (waiting.includes(pull.mergeable_state))
    return {
      kind: "again",
      note: `GitHub says that the pull request is ${pull.mergeable_state}`,
      retryAfterSeconds: lookAgainSeconds,
    };
  if (pull.mergeable === false) return { kind: "hopeless", note: "the change conflicts with the base branch" };
  const { data: repository } = await octokit.rest.repos.get(named);
  const method = repository.allow_squash_merge ? "squash" : repository.allow_merge_commit ? "merge" : "rebase";
  await octokit.rest.pulls.merge({ ...named, pull_number: number, sha: headSha, merge_method: method });
  return { kind: "done", note: null };
}

/** Why this person may not merge here; by the id, since a login may be somebody else's by now. */
async function barrierOf(github: ProjectGitHub, githubId: number | null): Promise<string | null> {
  if (githubId === null) return "whoever approved never signed in with GitHub, so their rights there are not known";
  const login = await loginOf(github, githubId);
  const permission = login === null ? null : await permissionOf(github, { login, id: githubId });
  if (permission === "write" || permission === "maintain" || permission === "admin") return null;
  return `${login ?? "whoever approved"} may not write to ${github.named.owner}/${github.named.repo}`;
}
