import { Problem } from "@feedback-chat/protocol/problem";
import type { ActionRequest } from "@feedback-chat/protocol/run";
import { allowedActions } from "@feedback-chat/protocol/run-machine";
import type { Tx } from "../platform/database.ts";
import { readRunRow } from "./read-run.ts";
import type { RunRow } from "./to-run.ts";

/** @throws Problem stage_changed, invalid_transition */
export async function checkAllowed(tx: Tx, runId: string, { action, expectedStage }: ActionRequest): Promise<RunRow> {
  const run = await readRunRow(tx, runId);
  const standing = { stage: run.stage, waitingFor: run.waiting_for };
  if (expectedStage !== undefined && expectedStage !== run.stage)
    throw new Problem("stage_changed", `The run is in ${run.stage}, not in ${expectedStage}.`, {
      facts: { stage: run.stage },
    });
  const allowed = allowedActions(standing);
  if (!allowed.includes(action))
    throw new Problem(
      "invalid_transition",
      `${action} is not possible in ${run.stage}; allowed: ${allowed.join(", ") || "nothing"}.`,
      { facts: { stage: run.stage, waitingFor: run.waiting_for, allowed } },
    );
  return run;
}
