import { branchNames, rivalOf, rivalPatterns } from "../core/branch.ts";
import { cleanText } from "../core/clean-log.ts";
import type { GitDeps } from "../git/run-git.ts";
import { lookHeads, type Remote } from "./look-branch.ts";
import type { Pull } from "../ports/github.ts";
import type { Problem } from "@feedback-chat/protocol/problem";
import { runFailure } from "../ports/run-failure.ts";

export function humanCommit(branch: string, author: string) {
  return runFailure("human_commit", `${cleanText(author)} has committed to the branch "${branch}": it is theirs now.`, {
    next: "Go on by hand on that branch, or retry for a new one.",
  });
}

export function requireWanted(pull: Pull | null): void {
  if (pull?.state !== "closed" || pull.isMerged) return;
  throw runFailure("pull_closed", `Pull request #${pull.number} was closed by a person: it stays closed.`, {
    next: "Retry for a new run with a pull request of its own.",
  });
}

export function unavailable(cause: Error) {
  return runFailure("github_unavailable", `GitHub did not answer: ${cause.message}`, {
    next: "Retry when GitHub is back: nothing is done twice.",
    isRetryable: true,
    cause,
  });
}

/** What stands in the way of every name of a run's branch. */
export async function noFreeName(deps: GitDeps, remote: Remote, branch: string): Promise<Problem> {
  const names = branchNames(branch);
  const heads = await lookHeads(deps, remote, [...names, ...names.flatMap(rivalPatterns)]);
  const hasRival = names.some((name) => rivalOf(name, heads.keys()));
  const tried = names.filter((name) => hasRival || name.includes("/"));
  const found = tried.map((name) => {
    const rival = rivalOf(name, heads.keys());
    return rival ? `"${name}" (in its way: the branch "${rival}")` : `"${name}" (taken)`;
  });
  return runFailure("github_refused", `No name is left for the branch: ${cleanText(found.join(", "))}.`, {
    next: "Delete or rename what is in the way, or set another `branchPrefix` in the project's settings, then retry.",
  });
}
