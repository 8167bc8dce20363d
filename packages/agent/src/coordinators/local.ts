import { appendFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { next, type Phase, type RunEvent, type Stage } from "@feedback-chat/protocol/run-machine";
import type { WaitRequest } from "@feedback-chat/protocol/worker";
import { agentMsOf } from "../core/budget.ts";
import { decidePublish } from "../core/policy.ts";
import { ignoring } from "../platform/ignoring.ts";
import { writeDurably } from "../platform/write-durably.ts";
import type { Clock } from "../ports/clock.ts";
import type { Coordinator, LocalCredentials } from "../ports/coordinator.ts";
import type { Level } from "../ports/engine.ts";
import { writeLocalState, type LocalPublish, type LocalState } from "./local-state.ts";
import type { SpendLedger } from "./local-spend.ts";

/** What a person who watches a local run is told. */
export type LocalEvent =
  | {
      type: "event";
      at: string;
      event: RunEvent;
      stage: Stage;
      phase: Phase | null;
      detail: string | null;
    }
  | { type: "log"; at: string; level: Level; message: string };

export type LocalCoordinator = Coordinator & {
  readonly state: LocalState;
  choose(publish: LocalPublish): Promise<void>;
  /** A person at the terminal said yes to exactly this tree, or no to all of it. */
  approve(treeId: string, by: string): Promise<void>;
  decline(reason: string): Promise<void>;
  answer(text: string): Promise<void>;
  /** Another attempt, from where the last one ended or was cut off. */
  reopen(): Promise<void>;
  flush(): Promise<void>;
};

type Deps = {
  clock: Clock;
  ledger: SpendLedger;
  credentials: LocalCredentials;
  onEvent(event: LocalEvent): void;
};

/** A folder of this machine in the place of the control plane: same machine of stages, same fence of the permit. */
export function localCoordinator(deps: Deps, runFolder: string, initial: LocalState): LocalCoordinator {
  const { clock, ledger, credentials, onEvent } = deps;
  let state = initial;
  let logged: Promise<void> = Promise.resolve();
  let logTrouble: unknown;
  let saved: Promise<void> = Promise.resolve();
  const logFile = join(runFolder, "log.ndjson");

  return {
    get state() {
      return state;
    },
    report: (event, phase, detail) => move(event, { phase }, detail),
    log(level, message) {
      const line = { at: clock.now().toISOString(), level, message };
      onEvent({ type: "log", ...line });
      const text = `${JSON.stringify(line)}\n`;
      logged = logged
        .then(() => appendFile(logFile, text, { mode: 0o600 }))
        .then(undefined, (error: unknown) => void (logTrouble ??= error)); // thrown by flush
    },
    flush,
    async permit(request) {
      if (state.ending) throw new Problem("not_permitted", "This attempt has ended.");
      const isApproved = state.approval?.treeId === request.treeId;
      const publish = state.publish === "auto" ? "auto" : "hold";
      const decision = decidePublish({
        ...request,
        publish,
        origin: state.publish === "auto" ? state.job.origin : "public",
      });
      if (!isApproved && decision !== "publish")
        return {
          granted: false,
          reason: state.publish === "auto" ? decision.hold : "You decide before anything is pushed.",
        };
      const approvedBy = isApproved ? (state.approval?.by ?? null) : null;
      await save({ permit: { treeId: request.treeId, approvedBy } });
      return { granted: true, approvedBy };
    },
    async credential(purpose) {
      if (purpose === "publish" && !state.permit)
        throw new Problem("not_permitted", "No permit was given for this run.");
      return credentials[purpose] ?? null;
    },
    reserve: (microUsd) => ledger.reserve(Math.ceil(microUsd)),
    async settle({ reservationId }, microUsd, tokens) {
      await ledger.settle(reservationId, Math.ceil(microUsd), tokens);
      await save({ spent: await ledger.spentByRun() });
    },
    async putArtifact(name, content) {
      await writeDurably(join(runFolder, "artifacts", name), content);
      await save({
        job: { ...state.job, artifacts: [...new Set([...state.job.artifacts, name])] },
      });
    },
    async getArtifact(name) {
      return (await readFile(join(runFolder, "artifacts", name)).catch(ignoring("ENOENT"))) ?? null;
    },
    complete: (outcome) =>
      end({ kind: "complete", outcome }, outcome.kind === "published" ? "published" : "declined", {
        ...(outcome.kind === "published"
          ? { job: { ...state.job, prNumber: outcome.prNumber } }
          : { reason: "declined", reasonText: outcome.reason }),
      }),
    wait: (request) =>
      end({ kind: "wait", request }, waitEvent(request), {
        waitingFor: request.for,
        reason: request.reason ?? null,
        ...(request.question === undefined
          ? {}
          : { job: { ...state.job, question: { text: request.question, answer: null } } }),
      }),
    fail: (request) =>
      end({ kind: "fail", request }, request.code === "cancelled" ? "cancelled" : "gave_up", {
        reason: request.code,
        reasonText: request.reason,
      }),
    choose: (publish) => save({ publish }),
    approve: (treeId, by) => move("approved", { approval: { treeId, by } }, `by ${by}`),
    decline: (reason) =>
      move("declined", {
        ending: { kind: "complete", outcome: { kind: "declined", reason } },
        waitingFor: null,
        reason: "declined",
        reasonText: reason,
      }),
    answer: (text) =>
      move("answered", {
        job: { ...state.job, question: { text: state.job.question?.text ?? "", answer: text } },
      }),
    async reopen() {
      const resumeAt = resumePoint(state);
      if (state.stage !== "queued") await move(state.ending ? "released" : "lease_lost", {}, "goes on");
      const isLate = resumeAt === "validate" || resumeAt === "publish";
      const { turns, lastAt } = await ledger.turnsOfRun();
      const used = { ...(await ledger.spentByRun()), turns, agentMs: agentMsOf(state.events, lastAt) };
      // With each line's time and level: a little more than was said.
      const loggedBytes = (await stat(logFile).catch(ignoring("ENOENT")))?.size ?? 0;
      const job = { ...state.job, resumeAt, approvedBy: state.approval?.by ?? null, used, loggedBytes };
      await move(isLate ? "resumed" : "leased", {
        job,
        ending: null,
        waitingFor: null,
        attempt: state.attempt + 1,
      });
    },
  };

  /** A line that could not be written stops the run at the next point that waits for it. */
  async function flush(): Promise<void> {
    await logged;
    if (logTrouble instanceof Error) throw logTrouble;
  }

  async function end(
    ending: NonNullable<LocalState["ending"]>,
    event: RunEvent,
    change: Partial<LocalState>,
  ): Promise<void> {
    if (state.ending) {
      if (JSON.stringify(state.ending) === JSON.stringify(ending)) return;
      throw new Problem("already_final", "This attempt has already ended.");
    }
    await flush();
    await move(event, { ...change, ending });
  }

  async function move(event: RunEvent, change: Partial<LocalState>, detail: string | null = null): Promise<void> {
    const at = clock.now().toISOString();
    const stage = next(state.stage, event);
    const phase = change.phase ?? state.phase;
    await save({ ...change, stage, events: [...state.events, { at, event, phase, detail }] });
    onEvent({ type: "event", at, event, stage, phase, detail });
  }

  async function save(change: Partial<LocalState>): Promise<void> {
    state = { ...state, ...change };
    // One write at a time, each of what holds by then: two reports at once must not mix in the file.
    const write = () => writeLocalState(runFolder, state);
    saved = saved.then(write, write);
    await saved;
  }
}

/** Where the next attempt begins: never after something that is not written down. */
function resumePoint({ ending, phase }: LocalState): Phase {
  if (ending?.kind === "wait") return ending.request.resumeAt;
  if (phase === "hold" || phase === "publish") return "publish";
  return phase === "validate" ? "validate" : "snapshot";
}

function waitEvent(request: WaitRequest): RunEvent {
  if (request.for === "approval") return "held";
  return request.for === "reporter" ? "asked" : "parked";
}
