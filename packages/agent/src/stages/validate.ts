import type { ChangedFile, CheckResult, Evidence } from "@feedback-chat/protocol/evidence";
import type { Check, CheckChain } from "../core/choose-checks.ts";
import { failsAlike } from "../core/same-failure.ts";
import type { RunRepository } from "../ports/git.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import type { BaseChecks } from "./base-checks.ts";
import type { Layers } from "./deps.ts";
import type { FoundChecks } from "./find-checks.ts";
import type { Judged } from "./run-check.ts";
import { openSide, runChain, type ChainDeps } from "./run-chain.ts";

export type ValidateInput = {
  repository: RunRepository;
  treeId: string;
  files: ChangedFile[];
  found: FoundChecks;
  base: BaseChecks;
  layers: Layers;
  /** Name and slot of the sandbox jobs; each chain's name is made different. */
  job: { name: string; slot: number };
  limits: SandboxLimits;
  /** For all checks together. */
  totalSeconds: number;
};

export type Validated = Evidence["checked"];
export type Judgement = {
  checked: Validated;
  /** The names of the red checks that the change answers for: on the base they were green, or red for another reason. */
  ownFaults: string[];
};

/**
 * Judges the changed tree by the base's own commands, of the packages that the change touches: on the base first
 * ("failed before too"), then on the change, each folder's checks in a fresh sandbox of their own.
 */
export async function validateTree(deps: ChainDeps, input: ValidateInput): Promise<Judgement> {
  const { layers } = input;
  const chains = input.found.touchedBy(input.files.map(({ path }) => path));
  const { isBuilt, note, installScripts } = layers;
  const checked = { checks: [], isBuilt, note, installScripts };
  if (chains.length === 0) return { checked: { ...checked, note: noteWithout(layers) }, ownFaults: [] };
  if (!layers.isBuilt) {
    const checks = chains.flatMap((chain) => chain.checks.map((check) => notRun(check, layers.note)));
    return { checked: { ...checked, checks }, ownFaults: [] };
  }
  const endsAtMs = deps.clock.monotonicMs() + input.totalSeconds * 1000;
  const base = input.base.judge(chains, { endsAtMs });
  const results: Result[] = [];
  for (const [index, chain] of chains.entries()) {
    const onBase = base[index];
    if (onBase) results.push(...(await judgeChain(deps, input, { chain, index, onBase, endsAtMs })));
  }
  const ownFaults = results.filter(({ isOwnFault }) => isOwnFault).map(({ check }) => check.name);
  return { checked: { ...checked, checks: results.map(({ check }) => check) }, ownFaults };
}

function noteWithout({ isBuilt, note }: Layers): string {
  if (note === null) return nothingToRun;
  return isBuilt ? `${note}\n${nothingToRun}` : note;
}

const nothingToRun = "The project names no checks and the base commit has no scripts to run.";

type Result = { check: CheckResult; isOwnFault: boolean };
type InTurn = { chain: CheckChain; index: number; onBase: Promise<Judged[]>; endsAtMs: number };

/** The change's sandbox is opened while the base's checks still run; nothing runs in it before they have ended. */
async function judgeChain(
  deps: ChainDeps,
  input: ValidateInput,
  { chain, index, onBase, endsAtMs }: InTurn,
): Promise<Result[]> {
  const { repository, treeId, files, layers, limits, job } = input;
  const named = { name: `${job.name}-change-${index}`, slot: job.slot, userOf: layers.owner };
  const opening = openSide(deps, repository, { treeish: treeId, files, job: named });
  const [opened, judged] = await Promise.allSettled([opening, onBase]);
  if (opened.status === "rejected") throw opened.reason;
  await using sandbox = opened.value;
  if (judged.status === "rejected") throw judged.reason;
  const base = judged.value;
  const head = await runChain(deps, sandbox, { side: "change", chain, layers, limits, endsAtMs: () => endsAtMs });
  return chain.checks.map((check, at) => resultOf(deps, check, { base: base[at], head: head[at] }));
}

function resultOf(
  { log }: ChainDeps,
  check: Check,
  { base, head }: { base: Judged | undefined; head: Judged | undefined },
): Result {
  if (!head) return { check: notRun(check, null), isOwnFault: false };
  const isRed = head.side.outcome !== "passed";
  const wasRedAlike = base !== undefined && failsAlike(failureOf(base), failureOf(head));
  if (isRed && wasRedAlike) log("info", `${check.name} fails on the change as it did on the base commit.`);
  return { check: { ...check, base: base?.side ?? null, head: head.side }, isOwnFault: isRed && !wasRedAlike };
}

function failureOf({ side, said }: Judged) {
  return { outcome: side.outcome, said };
}

function notRun(check: Check, why: string | null): CheckResult {
  return { ...check, base: null, head: { outcome: "not_run", durationMs: 0, outputTail: why ?? "" } };
}
