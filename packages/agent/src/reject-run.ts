import { Problem } from "@feedback-chat/protocol/problem";
import { isSettled, type Stage } from "@feedback-chat/protocol/run-machine";
import type { RunConfig } from "./config.ts";
import type { LocalEvent } from "./coordinators/local.ts";
import { withLocalRun } from "./coordinators/open-local-run.ts";
import { newUuid } from "./platform/new-id.ts";
import { systemClock } from "./platform/system-clock.ts";
import { resultOf, type RunIssueResult } from "./run-issue-result.ts";

export type RejectRunInput = { runId: string; signal: AbortSignal; onEvent(event: LocalEvent): void };

/**
 * A person's no to a run of this machine, whatever it waits for: it ends for good, and the issue is free for a new one.
 * Needs neither keys nor sandbox. @throws Problem not_found, data_locked, conflict when it has ended or its pull
 *   request is open.
 */
export async function rejectRun(config: RunConfig, input: RejectRunInput): Promise<RunIssueResult> {
  const { runId, signal, onEvent } = input;
  const deps = { clock: systemClock(), newUuid, credentials: config.localCredentials, signal, onEvent };
  return withLocalRun(deps, { stateFolder: config.stateFolder, runId }, async (run) => {
    const { stage, permit, job } = run.coordinator.state;
    if (stage === "preview_ready")
      throw new Problem("conflict", `The pull request of ${runId} is open already.`, {
        next: `Close it at GitHub: ${job.repository.fullName}#${job.prNumber}.`,
      });
    if (isSettled(stage)) throw hasEnded(runId, stage);
    const pushed = permit ? ` It had begun to publish: look at GitHub for ${job.branch}.` : "";
    await run.coordinator.decline(`You said no.${pushed}`);
    return resultOf(run);
  });
}

export function hasEnded(runId: string, stage: Stage): Problem {
  return new Problem("conflict", `The run ${runId} has ended: ${stage}.`, { next: "Start a new run for the issue." });
}
