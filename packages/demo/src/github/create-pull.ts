import { fullNameOf } from "./find.ts";
import type { Hub, Repository, User } from "./hub.ts";
import { newIssue } from "./create-issue.ts";
import { tellIssue } from "./edit-issue.ts";
import { invalid } from "./refuse.ts";
import type { PullIssue } from "./render-pull.ts";
import { git } from "./run-git.ts";

export type NewPull = {
  title: string;
  body?: string | null;
  head: string;
  base: string;
  isDraft?: boolean;
  author: User;
};

/**
 * Opens a pull request within the repository.
 * @throws 422 as GitHub does: no such head or base, nothing between them, or one open already for that head.
 */
export async function createPull(hub: Hub, repository: Repository, wanted: NewPull): Promise<PullIssue> {
  const headRef = branchOf(repository, wanted.head);
  const headSha = headRef === undefined ? undefined : repository.refs.get(`refs/heads/${headRef}`);
  const baseSha = repository.refs.get(`refs/heads/${wanted.base}`);
  if (headRef === undefined || !headSha) throw invalid({ resource: "PullRequest", field: "head", code: "invalid" });
  if (!baseSha) throw invalid({ resource: "PullRequest", field: "base", code: "invalid" });
  refuseSecond(repository, headRef, wanted.base);
  const ahead = await git(hub, repository.gitDir, ["rev-list", "--count", `${baseSha}..${headSha}`]);
  if (Number(ahead) === 0) throw custom(`No commits between ${wanted.base} and ${headRef}`);
  refuseSecond(repository, headRef, wanted.base);

  const pull = {
    id: hub.newId(), headRef, headSha, baseRef: wanted.base, baseSha, isDraft: wanted.isDraft ?? false,
    mergedAt: null, mergedBy: null, mergeCommitSha: null,
  }; // prettier-ignore
  const issue = { ...newIssue(hub, repository, wanted), pull };
  repository.issues.set(issue.number, issue);
  await git(hub, repository.gitDir, ["update-ref", `refs/pull/${issue.number}/head`, headSha]);
  await tellIssue(hub, repository, issue, "opened", wanted.author);
  return issue;
}

/** `branch` or `owner:branch`; a head in another repository is out of this double's reach. */
function branchOf(repository: Repository, head: string): string | undefined {
  const colon = head.indexOf(":");
  if (colon < 0) return head;
  const isOwn = head.slice(0, colon).toLowerCase() === repository.owner.login.toLowerCase();
  return isOwn ? head.slice(colon + 1) : undefined;
}

function refuseSecond(repository: Repository, headRef: string, base: string): void {
  const isTaken = [...repository.issues.values()].some(
    ({ state, pull }) => state === "open" && pull?.headRef === headRef && pull.baseRef === base,
  );
  if (isTaken) throw custom(`A pull request already exists for ${fullNameOf(repository).split("/")[0]}:${headRef}.`);
}

function custom(message: string) {
  return invalid({ resource: "PullRequest", code: "custom", message });
}
