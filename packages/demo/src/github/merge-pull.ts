import { closingNumbers } from "./closing-numbers.ts";
import { fullNameOf } from "./find.ts";
import type { Hub, Repository, User } from "./hub.ts";
import { editIssue, tellIssue } from "./edit-issue.ts";
import { refusal } from "./refuse.ts";
import type { PullIssue } from "./render-pull.ts";
import { git, tryGit } from "./run-git.ts";
import { syncRefs } from "./sync-refs.ts";

export type Merge = { method?: "merge" | "squash"; sha?: string; title?: string };

/**
 * Merges into the base branch and closes what the body's closing words name.
 * @throws 405 for a draft, a closed one or a conflict; 409 when `sha` is not the head any more.
 */
export async function mergePull(
  hub: Hub,
  repository: Repository,
  issue: PullIssue,
  merge: Merge,
  sender: User,
): Promise<string> {
  const { pull } = issue;
  if (issue.state === "closed") throw refusal(405, "Pull Request is not mergeable");
  if (pull.isDraft) throw refusal(405, "Pull Request is still a draft");
  if (merge.sha && merge.sha !== pull.headSha)
    throw refusal(409, "Head branch was modified. Review and try the merge again.");

  const base = repository.refs.get(`refs/heads/${pull.baseRef}`);
  if (!base) throw refusal(405, "Base branch was deleted");
  const tree = await tryGit(hub, repository.gitDir, ["merge-tree", "--write-tree", base, pull.headSha]);
  if (tree.code !== 0) throw refusal(405, "Pull Request is not mergeable");
  const sha = await commitMerge(hub, repository, issue, {
    ...merge,
    base,
    tree: tree.stdout.trim().slice(0, 40),
    sender,
  });

  await git(hub, repository.gitDir, ["update-ref", `refs/heads/${pull.baseRef}`, sha, base]);
  Object.assign(pull, {
    mergedAt: hub.now(),
    mergedBy: sender,
    mergeCommitSha: sha,
    baseSha: base,
  });
  Object.assign(issue, {
    state: "closed",
    closedAt: hub.now(),
    closedBy: sender,
    updatedAt: hub.now(),
  });
  await tellIssue(hub, repository, issue, "closed", sender);
  await syncRefs(hub, repository, sender);
  if (pull.baseRef === repository.defaultBranch) await closeNamedIssues(hub, repository, issue, sender);
  return sha;
}

type CommitMerge = Merge & { base: string; tree: string; sender: User };

async function commitMerge(hub: Hub, repository: Repository, issue: PullIssue, made: CommitMerge): Promise<string> {
  const isSquash = made.method === "squash";
  const parents = isSquash ? [made.base] : [made.base, issue.pull.headSha];
  const plain = `Merge pull request #${issue.number} from ${repository.owner.login}/${issue.pull.headRef}\n\n${issue.title}`;
  const message = made.title ?? (isSquash ? `${issue.title} (#${issue.number})` : plain);
  const args = ["commit-tree", made.tree, ...parents.flatMap((parent) => ["-p", parent]), "-m", message];
  return (await git(hub, repository.gitDir, args, { env: identity(hub, made.sender) })).trim();
}

export function identity(hub: Hub, user: User): Record<string, string> {
  const date = hub.now().toISOString();
  return {
    GIT_AUTHOR_NAME: user.login, GIT_AUTHOR_EMAIL: user.email, GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: "GitHub", GIT_COMMITTER_EMAIL: "noreply@github.com", GIT_COMMITTER_DATE: date,
  }; // prettier-ignore
}

async function closeNamedIssues(hub: Hub, repository: Repository, merged: PullIssue, sender: User): Promise<void> {
  for (const number of closingNumbers(merged.body ?? "", fullNameOf(repository))) {
    const issue = repository.issues.get(number);
    if (issue && !issue.pull)
      await editIssue(hub, repository, issue, { state: "closed", stateReason: "completed" }, sender);
  }
}
