import { cleanText } from "../core/clean-log.ts";
import type { Pull } from "../ports/github.ts";
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
