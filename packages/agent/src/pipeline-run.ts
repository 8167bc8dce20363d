import { phases, type Phase } from "@feedback-chat/protocol/run-machine";
import type { CredentialPurpose, Lease } from "@feedback-chat/protocol/worker";
import { decidePublish } from "./core/policy.ts";
import type { NetworkFacts } from "./ports/network.ts";
import type { Clock } from "./ports/clock.ts";
import type { Coordinator, Secret } from "./ports/coordinator.ts";
import type { Engine } from "./ports/engine.ts";
import type { RunRepository } from "./ports/git.ts";
import type { OpenModel } from "./ports/model-access.ts";
import type { ProjectNodes } from "./ports/project-nodes.ts";
import type { OpenPublisher, Publisher } from "./ports/publisher.ts";
import type { OpenRegistry } from "./ports/registry.ts";
import type { Sandbox, SandboxLimits } from "./ports/sandbox.ts";
import type { RunLog } from "./run-log.ts";
import type { KeptTree } from "./stages/keep-tree.ts";
import type { CleanSnapshot } from "./stages/snapshot.ts";
import { startBaseChecks, type BaseChecks } from "./stages/base-checks.ts";
import type { Layers } from "./stages/deps.ts";
import { findChecks, type FoundChecks } from "./stages/find-checks.ts";
import { validateTree, type Judgement, type ValidateInput } from "./stages/validate.ts";

export type PipelineDeps = {
  coordinator: Coordinator;
  sandbox: Sandbox;
  engine: Engine;
  openModel: OpenModel;
  openRegistry: OpenRegistry;
  projectNodes: ProjectNodes;
  openPublisher: OpenPublisher;
  /** Whether the machine can do something of this size while an agent works. */
  hasRoomBeside(memoryBytes: number): boolean;
  /** What the checks came to on base commits, kept between runs; no sandbox sees it. */
  checksFolder: string;
  /** Of this machine; git's children get it. */
  networkFacts: NetworkFacts;
  clock: Clock;
  /** Its reason is a `StopCause`. */
  signal: AbortSignal;
};

export type PipelineInput = Pick<Lease, "runId" | "jobId" | "attempt" | "job"> & {
  slot: number;
  /** Mirrors of all repositories, kept between runs. */
  cacheFolder: string;
  /** Of this run alone; no sandbox sees it. */
  runFolder: string;
};

export type Run = PipelineDeps & {
  input: PipelineInput;
  log: RunLog;
  startedMs: number;
  /** The phase that was entered last. */
  phase(): Phase;
  /** Says which phase starts, then does it. */
  enter<T>(phase: Phase, work: () => Promise<T>): Promise<T>;
  /** Stands by from the first call on. */
  publisher(): Publisher;
  /** Asks for a secret, and keeps it out of everything that is written from now on. */
  secret(purpose: CredentialPurpose): Promise<Secret | null>;
};

/** What the first phases bring: the words, the base, and an earlier attempt's change if there was one. */
export type Opened = { issue: CleanSnapshot; repository: RunRepository; kept: KeptTree | null };

export function openRun(deps: PipelineDeps, input: PipelineInput, log: RunLog): Run & AsyncDisposable {
  let phase: Phase = input.job.resumeAt;
  let publisher: Publisher | null = null;
  return {
    ...deps,
    input,
    log,
    startedMs: deps.clock.monotonicMs(),
    phase: () => phase,
    async enter(entered, work) {
      deps.signal.throwIfAborted();
      phase = entered;
      const telling = deps.coordinator.report("phase_started", entered);
      if (!stayingHere.has(entered)) await telling;
      const [told, done] = await Promise.allSettled([telling, work()]);
      deps.signal.throwIfAborted();
      if (told.status === "rejected") throw told.reason;
      if (done.status === "rejected") throw done.reason;
      return done.value;
    },
    publisher: () => (publisher ??= deps.openPublisher()),
    [Symbol.asyncDispose]: async () => publisher?.[Symbol.asyncDispose](),
    async secret(purpose) {
      const secret = await deps.coordinator.credential(purpose);
      if (secret) log.hide({ name: secret.type, value: secret.value });
      return secret;
    },
  };
}

/** What spends nothing and changes nothing elsewhere need not wait until the server has heard of it. */
const stayingHere: ReadonlySet<Phase> = new Set(["snapshot", "clone", "deps", "collect", "validate"]);

/** That nobody has to be asked, as far as can be known before the change is there. */
export function mayPublishAtOnce({ settings: { publish }, origin }: PipelineInput["job"]): boolean {
  const best = { hasHoldVerdict: false, hasFlag: false, checks: "green", isUnfinished: false } as const;
  return decidePublish({ publish, origin, ...best }) === "publish";
}

export function isBefore(phase: Phase, other: Phase): boolean {
  return phases.indexOf(phase) < phases.indexOf(other);
}

/** What judges a change: which commands, with which packages, and what they came to on the base. */
export type Bench = { found: FoundChecks; base: BaseChecks; layers: Layers };

/** The base's checks start here where the machine has room for them beside the agent. Close it before the layers. */
export async function openBench(run: Run, repository: RunRepository, layers: Layers): Promise<Bench & AsyncDisposable> {
  const { job } = run.input;
  const found = await findChecks(run, repository, job.settings);
  const base = startBaseChecks(checkDeps(run), {
    ...checking(run),
    repository,
    layers,
    likely: run.hasRoomBeside(checkLimits.memoryBytes) ? found.likely : [],
    kept: { folder: run.checksFolder, repositoryId: job.repository.id },
  });
  return { found, base, layers, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() };
}

type Judged = Pick<ValidateInput, "repository" | "treeId" | "files">;

/** The base's own commands, in fresh sandboxes without network or model. */
export function judgeTree(run: Run, bench: Bench, judged: Judged): Promise<Judgement> {
  if (mayPublishAtOnce(run.input.job)) run.publisher();
  return validateTree(checkDeps(run), { ...bench, ...judged, ...checking(run) });
}

function checkDeps(run: Run) {
  // Asked anew each time: the run may get further secrets while the base's checks are running.
  return { ...run, redactor: { text: (text: string) => run.log.redactor().text(text) }, log: run.log.write };
}

function checking({ input: { jobId, slot } }: Run) {
  return { job: { name: `${jobId}-check`, slot }, limits: checkLimits, totalSeconds: checksSeconds };
}

const checksSeconds = 14 * 60; // the server gives validation 15 minutes
const checkLimits: SandboxLimits = {
  wallSeconds: 600,
  memoryBytes: 3 * 1024 ** 3,
  processes: 1_024,
  fileBytes: 512 * 1024 ** 2,
  scratchBytes: 1024 ** 3,
};
