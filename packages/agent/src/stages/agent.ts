import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { CheckResult, Spend } from "@feedback-chat/protocol/evidence";
import type { LeasedJob } from "@feedback-chat/protocol/job";
import * as z from "zod";
import { promptFor, taskFiles } from "../core/prompt.ts";
import { cleanText } from "../core/clean-log.ts";
import type { Clock } from "../ports/clock.ts";
import type { Coordinator, Secret, StopCause } from "../ports/coordinator.ts";
import type { Engine, EngineEnd, EngineEvent, EngineRun } from "../ports/engine.ts";
import type { ModelAccess, OpenModel } from "../ports/model-access.ts";
import type { SandboxJob } from "../ports/sandbox.ts";
import type { RunLog } from "../run-log.ts";

export type AgentDeps = {
  engine: Engine;
  openModel: OpenModel;
  coordinator: Pick<Coordinator, "reserve" | "settle">;
  sandbox: SandboxJob;
  log: RunLog;
  clock: Clock;
  signal: AbortSignal;
};

export type AgentInput = {
  job: Pick<LeasedJob, "settings" | "changeRequest" | "question">;
  /** The clean snapshot, as the agent may read it. */
  issue: unknown;
  /** Null for a `command` engine that needs no model. */
  key: Secret | null;
  leftMicroUsd: number;
  leftSeconds: number;
  leftTurns: number;
  mayAsk: boolean;
  previousDiff: Uint8Array | null;
  repositoryInstructions: string | null;
  /** Named in the prompt: what will judge the change. */
  checks: string[];
  /** Of the round before, in the fix round. */
  redChecks: CheckResult[];
};

export type AgentResult = {
  /** The agent's own words: a claim. */
  summary: string;
  question: string | null;
  /** Null when it ended by itself and claims to be done. */
  cut: {
    code:
      | "budget"
      | "day_budget"
      | "time"
      | "turns"
      | "idle"
      | "resources"
      | "model_unavailable"
      | "credential"
      | "network"
      | "agent_error";
    detail: string;
    /** Of `network`: another try may succeed, with no setting changed. */
    isPassing?: boolean;
  } | null;
  spent: Spend;
  turns: number;
  agentMs: number;
};

const socketName = "model.sock";
const questionFile = z.object({ question: z.string().min(1) });
const maxQuestionBytes = 4_096;

/** Lets the engine work in the sandbox, with the model's socket as its only exit. When it answers, no process is left. */
export async function runAgent(deps: AgentDeps, input: AgentInput): Promise<AgentResult> {
  const { engine, sandbox, clock, signal, log } = deps;
  const startedMs = clock.monotonicMs();
  await writeTask(sandbox, input);
  const runToken = `run-${randomBytes(24).toString("base64url")}`;
  await using model = input.key ? await openModel(deps, { ...input, key: input.key, runToken }) : noModel();
  const run = engine.start(
    {
      prompt: promptOf(input),
      repositoryInstructions: input.repositoryInstructions,
      model: input.job.settings.model,
      maxTurns: input.leftTurns,
      wallSeconds: input.leftSeconds,
      idleSeconds: input.job.settings.idleMinutes * 60,
      runToken,
      socketName,
    },
    sandbox,
  );
  const stop = () => void run.stop(signal.reason as StopCause);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const over = new AbortController();
  // Where it fails, `run.ended` fails with the same error.
  const stopped = Promise.allSettled([stopWhenRefused(deps, { model, run, over: over.signal })]);
  try {
    for await (const event of run.events) writeEvent(log, event);
    const ended = await run.ended;
    // An answer that the engine hung up on is still being read and paid: the evidence names what it came to.
    const spent = await model.close();
    // It goes into the evidence and into the run's reason, which people read before anything is published.
    const end = { ...ended, summary: log.redactor().text(cleanText(ended.summary)) };
    const cut = cutOf(end, { model, leftTurns: input.leftTurns });
    return {
      summary: end.summary,
      question: input.mayAsk ? await readQuestion(deps) : null,
      cut,
      spent,
      turns: model.turns(),
      agentMs: Math.round(clock.monotonicMs() - startedMs),
    };
  } finally {
    over.abort();
    await stopped;
    signal.removeEventListener("abort", stop);
  }
}

/** So that the engine can write its last words; what it asks for meanwhile is refused. */
const graceAfterRefusalMs = 5_000;

/** No further request can succeed: an engine that does not see that, or does not want to, is ended. */
async function stopWhenRefused(
  { clock }: AgentDeps,
  { model, run, over }: { model: ModelAccess; run: EngineRun; over: AbortSignal },
): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  over.addEventListener("abort", () => end(), { once: true });
  await Promise.race([model.whenRefused, ended]);
  await clock.wait(graceAfterRefusalMs, over);
  if (!over.aborted) await run.stop("budget");
}

/** One for each run: who waits for its refusal is forgotten with it. */
const noModel = (): ModelAccess => ({
  close: () => Promise.resolve({ costMicroUsd: 0, inputTokens: 0, outputTokens: 0 }),
  turns: () => 0,
  refusal: () => null,
  whenRefused: new Promise(() => {}),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

function openModel(deps: AgentDeps, input: AgentInput & { key: Secret; runToken: string }): Promise<ModelAccess> {
  return deps.openModel({
    socketPath: join(deps.sandbox.socketFolder, socketName),
    runToken: input.runToken,
    key: input.key,
    model: input.job.settings.model,
    prices: input.job.settings.prices,
    ceilingMicroUsd: input.leftMicroUsd,
    wallSeconds: input.leftSeconds,
    reserve: deps.coordinator.reserve,
    settle: deps.coordinator.settle,
    log: deps.log.write,
    signal: deps.signal,
  });
}

async function writeTask(sandbox: SandboxJob, input: AgentInput): Promise<void> {
  const { changeRequest, question } = input.job;
  const json = (name: string, value: unknown) => sandbox.writeTask(name, `${JSON.stringify(value, null, 2)}\n`);
  await json(taskFiles.issue, {
    ...(input.issue as object),
    ...(question?.answer ? { question } : {}),
  });
  if (changeRequest !== null) await json(taskFiles.changeRequest, { text: changeRequest });
  if (input.previousDiff) await sandbox.writeTask(taskFiles.previousDiff, input.previousDiff);
  if (input.redChecks.length > 0)
    await json(
      taskFiles.checks,
      input.redChecks.map(({ name, command, head }) => ({ name, command, ...head })),
    );
}

function promptOf(input: AgentInput): string {
  const { settings, changeRequest } = input.job;
  return promptFor({
    maxTurns: input.leftTurns,
    wallSeconds: input.leftSeconds,
    protectedPaths: settings.protectedPaths,
    checks: input.checks,
    mayAsk: input.mayAsk,
    hasChangeRequest: changeRequest !== null,
    hasPreviousDiff: input.previousDiff !== null,
    redChecks: input.redChecks.map(({ name }) => name),
  });
}

function writeEvent(log: RunLog, event: EngineEvent): void {
  if (event.type === "log") log.write(event.level, event.text);
  else if (event.type === "tool") log.write("info", `${event.name}: ${event.summary}`);
  else if (event.type === "question") log.write("info", `The agent asks: ${event.text}`);
  else if (event.type === "result") log.write("info", `The agent says (${event.claim}): ${event.summary}`);
}

/** Plain, redacted, at most 300 characters; anything else in the file is no question. */
async function readQuestion({ sandbox, log }: AgentDeps): Promise<string | null> {
  const bytes = await sandbox.readTask(taskFiles.question, maxQuestionBytes);
  if (!bytes) return null;
  const parsed = questionFile.safeParse(jsonOrNothing(new TextDecoder().decode(bytes)));
  if (!parsed.success) {
    log.write("warn", "The agent left a question that cannot be read: it goes on without.");
    return null;
  }
  const text = log.redactor().text(cleanText(parsed.data.question)).replace(/\s+/g, " ").trim();
  return text.length > 300 ? `${text.slice(0, 299)}…` : text || null;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Counted = { model: ModelAccess; leftTurns: number };

/** Which limit ended it is known by the proxy, the walls and the clock. What the engine says of limits is a claim. */
function cutOf(end: EngineEnd, { model, leftTurns }: Counted): AgentResult["cut"] {
  const refusal = model.refusal();
  if (refusal) return refusal;
  if (end.by === "resources") return { code: "resources", detail: end.summary };
  if (end.by === "time") return { code: "time", detail: "The run's minutes are used up." };
  if (end.by === "idle") return { code: "idle", detail: "The agent wrote nothing for too long." };
  if (end.claim === "gave_up" && model.turns() >= leftTurns)
    return { code: "turns", detail: "The run's turns are used up." };
  return end.claim === "done" ? null : { code: "agent_error", detail: end.summary };
}
