import { rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Evidence } from "@feedback-chat/protocol/evidence";
import { runSettings, type RunSettings } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { isFinal, isHeld } from "@feedback-chat/protocol/run-machine";
import { requireFitMachine } from "./check-machine.ts";
import { composeMachine, type Machine } from "./compose-machine.ts";
import type { RunConfig } from "./config.ts";
import { admitIssue } from "./coordinators/admit-issue.ts";
import type { LocalPublish } from "./coordinators/local-state.ts";
import type { LocalEvent } from "./coordinators/local.ts";
import { withLocalRun, type LocalRun, type LocalRunDeps } from "./coordinators/open-local-run.ts";
import { tellEnd, type PipelineEnd } from "./pipeline-end.ts";
import { runPipeline } from "./pipeline.ts";
import { asDiskFull } from "./platform/disk-full.ts";
import { newUuid } from "./platform/new-id.ts";
import { makeOwnedFolder, sweepOwnedFolders } from "./platform/owned-folder.ts";
import { systemClock } from "./platform/system-clock.ts";
import type { StopCause } from "./ports/coordinator.ts";
import { hasEnded } from "./reject-run.ts";
import { resultOf, type RunIssueResult } from "./run-issue-result.ts";
import { readKeptTree, type KeptTree } from "./stages/keep-tree.ts";
export { parseRunConfig, type RunConfig } from "./config.ts";
export { rejectRun } from "./reject-run.ts";
export type { LocalEvent } from "./coordinators/local.ts";

/** What a person at the terminal sees before anything is pushed. */
export type HeldFacts = {
  runId: string;
  reason: string;
  title: string;
  branch: string;
  evidence: Evidence;
  diff: string;
  costMicroUsd: number;
};

export type RunIssueInput = {
  publish: LocalPublish;
  /** Ctrl-C: the run stops where it is and can be resumed. */
  signal: AbortSignal;
  onEvent(event: LocalEvent): void;
  /** Shown with `publish: "ask"`, whenever the run is held. */
  ask(held: HeldFacts): Promise<"approve" | "reject" | "hold">;
  /** The agent's one question; null leaves it open, and the run waits. */
  answer?(question: string): Promise<string | null>;
} & (
  | { resume: string; answerText?: string }
  | {
      repo: string;
      issueNumber: number;
      base?: string;
      budgetMicroUsd?: number;
      settings?: Partial<RunSettings>;
      resume?: undefined;
    }
);

/**
 * One issue on this machine, without a control plane: gate, pipeline, a person's yes, pull request. State is in a
 * folder; after a `kill -9` anywhere `resume` goes on and ends in at most one pull request.
 * @throws Problem missing_key, not_found, github_unreachable, github_access, nothing_to_run, engine_missing,
 *   machine_unfit, sandbox_unavailable, data_locked, conflict, disk_full.
 */
export async function runIssue(config: RunConfig, input: RunIssueInput): Promise<RunIssueResult> {
  requireKeys(config);
  try {
    return await onThisMachine(config, input);
  } catch (error) {
    throw asDiskFull(error) ?? error;
  }
}

async function onThisMachine(config: RunConfig, input: RunIssueInput): Promise<RunIssueResult> {
  const clock = systemClock();
  const stop = new AbortController();
  const onStop = () => stop.abort("drain" satisfies StopCause);
  input.signal.addEventListener("abort", onStop, { once: true });
  if (input.signal.aborted) onStop();
  const deps: LocalRunDeps = {
    clock,
    newUuid,
    credentials: config.localCredentials,
    signal: stop.signal,
    onEvent: input.onEvent,
  };
  try {
    await requireFitMachine(config);
    await using machine = await composeMachine({ clock }, config);
    await machine.probe();
    const settings = settingsOf(config, input);
    if (config.localCredentials.model) machine.requirePrice(settings);
    await machine.engineFor(settings).prepare();
    await machine.sandbox.sweep();
    const runId =
      input.resume ?? (await admitIssue({ ...deps, fetch: machine.fetch }, config, { ...input, settings })).runId;
    return await withLocalRun(deps, { stateFolder: config.stateFolder, runId }, (run) =>
      goOn({ machine, deps, config, run }, input),
    );
  } finally {
    input.signal.removeEventListener("abort", onStop);
  }
}

/** Of a resumed run only the machine's own engine is looked at; its settings come with its state. */
function settingsOf({ model }: RunConfig, input: RunIssueInput): RunSettings {
  const ofMachine = model === null ? {} : { model };
  const parsed = runSettings.safeParse(input.resume === undefined ? { ...ofMachine, ...input.settings } : {});
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Problem("usage", `These settings cannot be used: ${wrong.join("; ")}.`);
}

type Parts = { machine: Machine; deps: LocalRunDeps; config: RunConfig; run: LocalRun };

/** Runs the pipeline as often as people let it go on: after a yes, an answer, a restart. */
async function goOn(parts: Parts, input: RunIssueInput): Promise<RunIssueResult> {
  const { coordinator } = parts.run;
  let isRestart = input.resume !== undefined;
  if (input.resume !== undefined) await prepareRestart(parts.run, input);
  for (;;) {
    if (coordinator.state.ending && !(await isLetOn(parts.run, input, isRestart))) return resultOf(parts.run);
    isRestart = false;
    const end = await runOnce(parts);
    await coordinator.flush();
    if (end.kind === "stopped") return { ...resultOf(parts.run), exitCode: 130 };
    // Nothing is decided by a full disk: the run stays as it is, to be resumed.
    if (end.kind === "failed" && end.code === "disk_full") throw new Problem("disk_full", end.reason);
    await tellEnd(coordinator, end);
  }
}

type Resumption = Pick<RunIssueInput, "publish"> & { answerText?: string };

/** @throws Problem conflict when there is nothing to go on with, or to answer. */
async function prepareRestart({ coordinator }: LocalRun, input: Resumption): Promise<void> {
  const { stage, ending, runId, waitingFor } = coordinator.state;
  if (isFinal(stage)) throw hasEnded(runId, stage);
  if (input.answerText !== undefined && (ending === null || waitingFor !== "reporter"))
    throw new Problem("conflict", `The run ${runId} waits for no answer: it is ${stage}.`, {
      next: "Go on with it without --answer.",
    });
  await coordinator.choose(input.publish);
  if (ending === null) await coordinator.reopen();
}

/** True when what the run waits for has come, and the next attempt may begin. */
async function isLetOn(run: LocalRun, input: RunIssueInput, isRestart: boolean): Promise<boolean> {
  const { coordinator } = run;
  if (coordinator.state.ending?.kind !== "wait") return false;
  if (isHeld(coordinator.state) && input.publish === "ask") {
    if (!(await isApproved(run, input))) return false;
  } else if (coordinator.state.waitingFor === "reporter") {
    const given = isRestart && input.resume !== undefined ? input.answerText : undefined;
    const answer = given ?? (await input.answer?.(coordinator.state.job.question?.text ?? ""));
    if (!answer) return false;
    await coordinator.answer(answer);
  } else if (!isRestart || (isHeld(coordinator.state) && input.publish === "hold")) {
    return false;
  }
  await coordinator.reopen();
  return true;
}

async function isApproved(run: LocalRun, input: RunIssueInput): Promise<boolean> {
  const { coordinator } = run;
  const kept = await readKeptTree(coordinator, coordinator.state.job.artifacts);
  if (!kept) throw new Error("a held run has a kept tree");
  const decision = await input.ask(heldFacts(run, kept));
  if (decision === "reject") await coordinator.decline("You said no.");
  if (decision === "approve") await coordinator.approve(kept.info.treeId, userInfo().username);
  return decision === "approve";
}

function heldFacts({ coordinator }: LocalRun, { info, diff }: KeptTree): HeldFacts {
  const { runId, job, reason, spent } = coordinator.state;
  return {
    runId,
    reason: reason ?? "",
    title: info.title,
    branch: job.branch,
    evidence: info.evidence,
    diff: new TextDecoder().decode(diff),
    costMicroUsd: spent.costMicroUsd,
  };
}

async function runOnce({ machine, deps, config, run }: Parts): Promise<PipelineEnd> {
  const { state } = run.coordinator;
  const parent = join(config.dataFolder, "runs");
  await sweepOwnedFolders(parent);
  const runFolder = await makeOwnedFolder(parent, state.runId);
  const { cacheFolder, ...parts } = machine;
  try {
    return await runPipeline(
      {
        ...parts,
        coordinator: run.coordinator,
        engine: machine.engineFor(state.job.settings),
        clock: deps.clock,
        signal: deps.signal,
      },
      {
        runId: state.runId,
        jobId: state.jobId,
        attempt: state.attempt,
        job: state.job,
        slot: 0,
        cacheFolder,
        runFolder,
      },
    );
  } finally {
    await rm(runFolder, { recursive: true, force: true });
  }
}

/** @throws Problem missing_key, naming it */
function requireKeys({ localCredentials, engineCommand }: RunConfig): void {
  const missing = [
    ...(localCredentials.model || engineCommand ? [] : ["ANTHROPIC_API_KEY"]),
    ...(localCredentials.publish ? [] : ["GITHUB_TOKEN"]),
  ];
  if (missing.length === 0) return;
  throw new Problem("missing_key", `Not set: ${missing.join(", ")}.`, {
    next: `Set ${missing.join(" and ")} and run the command again.`,
    facts: { missing },
  });
}
