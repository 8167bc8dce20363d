import type { Outcome, WaitRequest } from "@feedback-chat/protocol/worker";
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
