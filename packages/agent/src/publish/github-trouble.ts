import { networkCause } from "@feedback-chat/protocol/network-cause";
import { Problem, isProblem } from "@feedback-chat/protocol/problem";
import { cleanText } from "../core/clean-log.ts";
import { githubWait, runFailure } from "../ports/run-failure.ts";

type GitHubError = Error & {
  status: number;
  response?: { headers: Record<string, string | number | undefined>; data?: unknown };
};

/**
 * What to do about an error of GitHub's API, as data: a Problem that ends, parks or repeats the step.
 * 401, 403, 404 end with the missing permission's name; rate limits park; 5xx and lost answers are looked up again.
 */
export function githubProblem(error: unknown, now: Date): Error {
  if (isProblem(error)) return error;
  if (!isGitHubError(error)) return error instanceof Error ? error : new Error(String(error));
  const headers = error.response?.headers ?? {};
  const said = cleanText(messageOf(error)).slice(0, 500);
  const waitSeconds = rateWait(error, now);
  if (waitSeconds !== null) return githubWait(waitSeconds, `GitHub asks to slow down: ${said}`);
  if (error.status === 401)
    return runFailure("github_access", "GitHub does not accept the token.", {
      next: "Renew the token, then retry.",
      cause: error,
    });
  if (error.status === 403 && /archived/i.test(said)) return archived(error);
  if (error.status === 403 || error.status === 404) {
    const needed = String(
      headers["x-accepted-github-permissions"] ?? "contents=write,pull_requests=write,issues=write",
    );
    return runFailure("github_access", `GitHub refuses the access (${error.status}): ${said}`, {
      next: `Give the token these permissions for this repository: ${needed}.`,
      cause: error,
    });
  }
  if (error.status === 410)
    return runFailure("github_refused", `GitHub has this switched off here: ${said}`, {
      cause: error,
    });
  const lost = networkCause(error);
  if (lost)
    return new Problem("github_unreachable", `GitHub cannot be reached: ${lost.detail}.`, {
      ...(lost.next ? { next: lost.next } : {}),
      cause: error,
    });
  if (error.status >= 500)
    return new Problem("github_unreachable", `GitHub did not answer (${error.status}): ${said}`, {
      cause: error,
    });
  return runFailure("github_refused", `GitHub refuses: ${said}`, { cause: error });
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

function rateWait({ status, response, message }: GitHubError, now: Date): number | null {
  if (status !== 403 && status !== 429) return null;
  const headers = response?.headers ?? {};
  const retryAfter = Number(headers["retry-after"]);
  if (Number.isFinite(retryAfter) && retryAfter > 0) return retryAfter;
  const isUsedUp = String(headers["x-ratelimit-remaining"] ?? "") === "0";
  const reset = Number(headers["x-ratelimit-reset"]);
  if (isUsedUp && Number.isFinite(reset)) return Math.max(1, reset - now.getTime() / 1000);
  return status === 429 || /rate limit/i.test(message) ? 60 : null;
}

function isGitHubError(error: unknown): error is GitHubError {
  return error instanceof Error && "status" in error && typeof error.status === "number";
}
