import { exitCodeOf, type Stage, type WaitingFor } from "@feedback-chat/protocol/run-machine";
import type { LocalRun } from "./coordinators/open-local-run.ts";

export type RunIssueResult = {
  /** 0 published, 8 waits for somebody, 1 failed or rejected, 130 stopped by `signal`. */
  exitCode: 0 | 1 | 8 | 130;
  runId: string;
  stage: Stage;
  waitingFor: WaitingFor | null;
  reason: string | null;
  reasonText: string | null;
  branch: string;
  prUrl: string | null;
  prNumber: number | null;
  question: string | null;
  costMicroUsd: number;
  /** Where state, log and artifacts lie. */
  runFolder: string;
};

export function resultOf({ coordinator, runFolder }: LocalRun): RunIssueResult {
  const { runId, stage, waitingFor, reason, reasonText, job, ending, spent } = coordinator.state;
  const outcome = ending?.kind === "complete" && ending.outcome.kind === "published" ? ending.outcome : null;
  return {
    exitCode: exitCodeOf({ stage, waitingFor }),
    runId,
    stage,
    waitingFor,
    reason,
    reasonText,
    branch: job.branch,
    prUrl: outcome?.prUrl ?? null,
    prNumber: outcome?.prNumber ?? job.prNumber,
    question: waitingFor === "reporter" ? (job.question?.text ?? null) : null,
    costMicroUsd: spent.costMicroUsd,
    runFolder,
  };
}
