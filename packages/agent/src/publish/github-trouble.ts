import { networkCause } from "@feedback-chat/protocol/network-cause";
import { Problem, isProblem } from "@feedback-chat/protocol/problem";
import { cleanText } from "../core/clean-log.ts";
import { readRefusal } from "../core/github-refusal.ts";
import { githubWait, runFailure } from "../ports/run-failure.ts";

type GitHubError = Error & {
  status: number;
  response?: { headers: Record<string, string | number | undefined>; data?: unknown };
};

/**
 * What to do about an error of GitHub's API, as data: a Problem that ends, parks or repeats the step.
 * What a person has to mend ends it, rate limits park, 5xx and lost answers are looked up again.
 */
export function githubProblem(error: unknown, now: Date): Error {
  if (isProblem(error)) return error;
  if (!isGitHubError(error)) return error instanceof Error ? error : new Error(String(error));
  const lost = networkCause(error);
  if (lost)
    return new Problem("github_unreachable", `GitHub cannot be reached: ${lost.detail}.`, {
      ...(lost.next ? { next: lost.next } : {}),
      cause: error,
    });
  const said = cleanText(messageOf(error)).slice(0, 500);
  const { kind, detail, next, waitSeconds } = readRefusal(
    { status: error.status, headers: error.response?.headers ?? {}, said },
    now,
  );
  if (kind === "rate") return githubWait(waitSeconds, detail);
  if (kind === "unreachable") return new Problem("github_unreachable", detail, { cause: error });
  const isRefused = kind === "refused" || error.status === 410;
  return runFailure(isRefused ? "github_refused" : "github_access", detail, { next, cause: error });
}

export function archived(cause?: unknown): Problem {
  return runFailure("github_refused", "The repository is archived: nobody can write to it.", {
    next: "Unarchive it on GitHub, then retry.",
    cause,
  });
}

/** True for 409 and 422: something is there already, or a rule is broken. */
export function isConflict(error: unknown): boolean {
  return isGitHubError(error) && (error.status === 409 || error.status === 422);
}

/** The sentences of an error answer, those of its single errors included. */
export function messageOf(error: unknown): string {
  if (!isGitHubError(error)) return error instanceof Error ? error.message : String(error);
  const data = error.response?.data;
  if (typeof data !== "object" || data === null) return error.message;
  const { message, errors } = data as { message?: unknown; errors?: unknown };
  const single = Array.isArray(errors)
    ? errors.map((one: unknown) => (typeof one === "string" ? one : partsOf(one)))
    : [];
  return [typeof message === "string" ? message : error.message, ...single].filter(Boolean).join("; ");
}

function partsOf(one: unknown): string {
  if (typeof one !== "object" || one === null) return "";
  const { message, field, code } = one as Record<string, unknown>;
  return typeof message === "string" ? message : [field, code].filter((part) => typeof part === "string").join(" ");
}

function isGitHubError(error: unknown): error is GitHubError {
  return error instanceof Error && "status" in error && typeof error.status === "number";
}
