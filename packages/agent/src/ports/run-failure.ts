import { Problem, isProblem } from "@feedback-chat/protocol/problem";

/** A run's `reason`, as `FailRequest.code` carries it. */
export type FailureCode =
  | "bad_snapshot" | "clone" | "bad_output" | "resources" | "disk_full" | "budget" | "secret_found"
  | "github_access" | "github_refused" | "github_unavailable" | "human_commit" | "pull_closed"; // prettier-ignore

type FailureFacts = { next?: string; isRetryable?: boolean; paths?: string[]; cause?: unknown };

/** The end of a run that a person can act on. The pipeline turns it into `Coordinator.fail`. */
export function runFailure(code: FailureCode, detail: string, more: FailureFacts = {}): Problem {
  const { next, isRetryable = false, paths = [], cause } = more;
  return new Problem("run_failed", detail, {
    facts: { code, isRetryable, paths },
    ...(next ? { next } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** GitHub asks to come back later: the pipeline parks the job with `waitingFor: github`. */
export function githubWait(untilSeconds: number, detail: string): Problem {
  return new Problem("rate_limited", detail, {
    facts: {
      waitFor: "github",
      untilSeconds: Math.min(3600, Math.max(1, Math.ceil(untilSeconds))),
    },
  });
}

export type RunFailure = {
  code: FailureCode;
  detail: string;
  next: string;
  isRetryable: boolean;
  paths: string[];
};

/** What `runFailure` said; null for every other error. */
export function asRunFailure(error: unknown): RunFailure | null {
  if (!isProblem(error, "run_failed") || typeof error.facts["code"] !== "string") return null;
  const { code, isRetryable, paths } = error.facts as {
    code: FailureCode;
    isRetryable: boolean;
    paths: string[];
  };
  return { code, detail: error.message, next: error.next, isRetryable, paths };
}

/** How long GitHub asks to wait; null for every other error. */
export function asGithubWait(error: unknown): { untilSeconds: number; detail: string } | null {
  if (!isProblem(error, "rate_limited") || error.facts["waitFor"] !== "github") return null;
  return { untilSeconds: error.facts["untilSeconds"] as number, detail: error.message };
}
