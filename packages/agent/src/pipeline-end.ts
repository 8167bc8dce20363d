import {
  type ClosedSecretCode,
  closedSecretCodes,
  type Outcome,
  type WaitRequest,
} from "@feedback-chat/protocol/worker";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Phase } from "@feedback-chat/protocol/run-machine";
import { asDiskFull } from "./platform/disk-full.ts";
import { asGithubWait, asRunFailure } from "./ports/run-failure.ts";
import type { Coordinator, StopCause } from "./ports/coordinator.ts";

/** How the pipeline ended: data. Who called it says it to whoever has to know. */
export type PipelineEnd =
  | { kind: "published"; outcome: Extract<Outcome, { kind: "published" }> }
  | { kind: "waiting"; request: WaitRequest }
  | {
      kind: "failed";
      code: string;
      reason: string;
      isRetryable: boolean;
      retryAfterSeconds?: number;
    }
  | { kind: "declined"; reason: string }
  | { kind: "stopped"; cause: StopCause };

export function failed(code: string, reason: string, isRetryable = false): PipelineEnd & { kind: "failed" } {
  return { kind: "failed", code, reason, isRetryable };
}

/** Parked until somebody gives the credential that is missing, or a better one, or until the stored one opens (`code`). */
export function noCredential(reason: string, resumeAt: Phase, code?: ClosedSecretCode): PipelineEnd {
  return {
    kind: "waiting",
    request: { for: "credential", reason: reason.slice(0, 200), resumeAt, ...(code ? { code } : {}) },
  };
}

/** The end that a Problem means. Anything else is a bug, and is thrown again. */
export function problemEnd(error: unknown, resumeAt: Phase): PipelineEnd {
  const failure = asRunFailure(error);
  if (failure) return failed(failure.code, `${failure.detail} ${failure.next}`, failure.isRetryable);
  const wait = asGithubWait(error);
  if (wait)
    return {
      kind: "waiting",
      request: {
        for: "github",
        untilSeconds: wait.untilSeconds,
        reason: wait.detail.slice(0, 200),
        resumeAt,
      },
    };
  const full = asDiskFull(error);
  if (full) return failed(full.code, `${full.message} ${full.next}`, true);
  for (const code of closedSecretCodes) if (isProblem(error, code)) return noCredential(error.message, resumeAt, code);
  if (!isProblem(error)) throw error;
  const isLater = retryable.some((code) => isProblem(error, code));
  return failed(error.code, `${error.message} ${error.next}`, isLater);
}

const retryable = ["github_unreachable", "network", "unavailable", "rate_limited", "disk_full"] as const;

/** Says the end to the coordinator, except for a lost lease (nobody would listen) and a drain (that is `release`). */
export async function tellEnd(coordinator: Coordinator, end: PipelineEnd): Promise<void> {
  switch (end.kind) {
    case "published":
      return coordinator.complete(end.outcome);
    case "declined":
      return coordinator.complete({ kind: "declined", reason: end.reason });
    case "waiting":
      return coordinator.wait(end.request);
    case "failed":
      return coordinator.fail({
        code: end.code,
        reason: end.reason,
        retryable: end.isRetryable,
        ...(end.retryAfterSeconds === undefined ? {} : { retryAfterS: end.retryAfterSeconds }),
      });
    case "stopped":
      if (end.cause === "cancelled")
        await coordinator.fail({
          code: "cancelled",
          reason: "A person cancelled the run.",
          retryable: false,
        });
  }
}

/** Exit code of a process whose one job ended so: 0 published, 8 waits for somebody, 1 failed. */
export function exitCodeOfEnd(end: PipelineEnd): 0 | 1 | 8 {
  if (end.kind === "published") return 0;
  return end.kind === "waiting" || (end.kind === "stopped" && end.cause === "drain") ? 8 : 1;
}
