import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { idOf } from "@feedback-chat/protocol/ids";
import type { LeasedJob } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { withFolderLock } from "../git/with-folder-lock.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocalCredentials } from "../ports/coordinator.ts";
import { openSpendLedger, type SpendLedger } from "./local-spend.ts";
import { readLocalState, writeLocalState, type LocalPublish, type LocalState } from "./local-state.ts";
import { localCoordinator, type LocalCoordinator, type LocalEvent } from "./local.ts";

export type LocalRunDeps = {
  clock: Clock;
  newUuid(): string;
  credentials: LocalCredentials;
  signal: AbortSignal;
  onEvent(event: LocalEvent): void;
};
export type LocalRun = { coordinator: LocalCoordinator; ledger: SpendLedger; runFolder: string };

const lockPatienceMs = 2_000;

/** Writes a new run down before anything happens. @returns its id */
export async function createLocalRun(
  { clock, newUuid }: LocalRunDeps,
  input: { stateFolder: string; job: LeasedJob; publish: LocalPublish },
): Promise<LocalState> {
  const at = clock.now().toISOString();
  const state: LocalState = {
    schemaVersion: 1,
    runId: idOf("run", newUuid()),
    jobId: idOf("job", newUuid()),
    job: input.job,
    publish: input.publish,
    attempt: 1,
    startedAt: at,
    stage: "running",
    phase: null,
    waitingFor: null,
    reason: null,
    reasonText: null,
    events: [
      { at, event: "admitted", phase: "gate", detail: null },
      { at, event: "leased", phase: null, detail: null },
    ],
    approval: null,
    permit: null,
    ending: null,
    spent: { costMicroUsd: 0, inputTokens: 0, outputTokens: 0 },
  };
  await writeLocalState(runFolderOf(input.stateFolder, state.runId), state);
  return state;
}

/**
 * Holds a run of this machine while `work` goes on.
 * @throws Problem not_found; data_locked when another process works on the same run.
 */
export async function withLocalRun<T>(
  deps: LocalRunDeps,
  input: { stateFolder: string; runId: string },
  work: (run: LocalRun) => Promise<T>,
): Promise<T> {
  if (!/^run_[0-9a-z]+$/.test(input.runId))
    throw new Problem("not_found", `"${input.runId.slice(0, 64)}" is no run's id.`);
  const runFolder = runFolderOf(input.stateFolder, input.runId);
  await readLocalState(runFolder, input.runId);
  await mkdir(join(runFolder, "artifacts"), { recursive: true, mode: 0o700 });
  const patience = AbortSignal.timeout(lockPatienceMs);
  let isHeld = false;
  try {
    return await withFolderLock(
      { clock: deps.clock, signal: AbortSignal.any([deps.signal, patience]) },
      join(runFolder, "lock"),
      async () => {
        isHeld = true;
        const state = await readLocalState(runFolder, input.runId);
        const ledger = openSpendLedger(deps, ledgerInput(input.stateFolder, state));
        return work({
          coordinator: localCoordinator({ ...deps, ledger }, runFolder, state),
          ledger,
          runFolder,
        });
      },
    );
  } catch (error) {
    if (isHeld || !patience.aborted) throw error;
    throw new Problem("data_locked", `Another process works on the run ${input.runId}.`, {
      next: "Wait for it, or end it.",
      cause: error,
    });
  }
}

export function ledgerInput(stateFolder: string, { runId, job }: Pick<LocalState, "runId" | "job">) {
  return {
    file: join(stateFolder, "spend", `${job.repository.id}.json`),
    runId,
    runCeilingMicroUsd: job.settings.budgetMicroUsd,
    dayCeilingMicroUsd: job.settings.dayBudgetMicroUsd,
  };
}

function runFolderOf(stateFolder: string, runId: string): string {
  return join(stateFolder, "runs", runId);
}
