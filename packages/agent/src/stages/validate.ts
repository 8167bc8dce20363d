import type { ChangedFile, CheckResult } from "@feedback-chat/protocol/evidence";
import type { RunSettings } from "@feedback-chat/protocol/job";
import type { Redactor } from "../core/redact.ts";
import type { Clock } from "../ports/clock.ts";
import type { Level } from "../ports/engine.ts";
import type { RunRepository } from "../ports/git.ts";
import type { Sandbox, SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import type { Layers } from "./deps.ts";
import { findChecks, type Check } from "./find-checks.ts";
import { restoreBaseRules } from "./restore-base-rules.ts";
import { runCheck, type Side } from "./run-check.ts";

export type ValidateDeps = {
  sandbox: Sandbox;
  clock: Clock;
  redactor: Redactor;
  signal: AbortSignal;
  log(level: Level, message: string): void;
};

export type ValidateInput = {
  repository: RunRepository;
  treeId: string;
  files: ChangedFile[];
  settings: Pick<RunSettings, "checks" | "subFolder">;
  layers: Layers;
  /** Name and slot of the sandbox job; the name is made different for base and head. */
  job: { name: string; slot: number };
  limits: SandboxLimits;
  /** For all checks together. */
  totalSeconds: number;
  /** Of an earlier round of this run: the base did not change, so it is not judged again. */
  baseChecks: CheckResult[] | null;
};

export type Validated = { checks: CheckResult[]; isBuilt: boolean; note: string | null };

/**
 * Judges the changed tree by the base's own commands: on the base first ("failed before too"), then on the change,
 * each side in a fresh sandbox whose files come from git and not from the agent's folder.
 */
export async function validateTree(deps: ValidateDeps, input: ValidateInput): Promise<Validated> {
  const { repository, layers, settings } = input;
  const checks = await findChecks(repository, settings);
  if (checks.length === 0)
    return {
      checks: [],
      isBuilt: layers.isBuilt,
      note: layers.note ?? "The project names no checks and the base commit has no scripts to run.",
    };
  if (!layers.isBuilt)
    return {
      checks: checks.map((check) => notRun(check, layers.note)),
      isBuilt: false,
      note: layers.note,
    };
  const endsAtMs = deps.clock.monotonicMs() + input.totalSeconds * 1000;
  const known = new Map(input.baseChecks?.map(({ name, base }) => [name, base]));
  const isKnown = checks.every(({ name }) => known.get(name));
  await using sides = await openSides(deps, input, isKnown ? ["head"] : ["base", "head"]);
  const run = (side: SideName) => runSide(deps, input, { ...sides.of(side), checks, endsAtMs });
  const base = isKnown ? checks.map(({ name }) => known.get(name) ?? null) : await run("base");
  const head = await run("head");
  return {
    checks: checks.map((check, index) => ({
      ...check,
      base: base[index] ?? null,
      head: head[index] ?? notRun(check, null).head,
    })),
    isBuilt: true,
    note: layers.note,
  };
}

type SideName = "base" | "head";
type OpenSide = { side: SideName; sandbox: SandboxJob };

/** Both at once, since nothing runs in either yet; what runs there then runs one after the other, for itself. */
async function openSides(deps: ValidateDeps, input: ValidateInput, names: SideName[]) {
  const opening = await Promise.allSettled(names.map((side) => openSide(deps, input, side)));
  const opened = opening.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const close = async () => {
    await Promise.all(opened.map(({ sandbox }) => sandbox[Symbol.asyncDispose]()));
  };
  const failed = opening.find((each) => each.status === "rejected");
  if (failed) {
    await close();
    throw failed.reason;
  }
  return {
    of(name: SideName): OpenSide {
      const found = opened.find(({ side }) => side === name);
      if (!found) throw new Error(`the ${name} was not opened`);
      return found;
    },
    [Symbol.asyncDispose]: close,
  };
}

async function openSide(deps: ValidateDeps, input: ValidateInput, side: SideName): Promise<OpenSide> {
  const { repository, treeId, job, files } = input;
  const sandbox = await deps.sandbox.open({ name: `${job.name}-${side}`, slot: job.slot });
  try {
    await repository.exportTree(side === "base" ? repository.baseSha : treeId, sandbox.treeFolder);
    const restored = side === "head" ? await restoreBaseRules(repository, { folder: sandbox.treeFolder, files }) : [];
    if (restored.length > 0)
      deps.log("info", `Checks run by the base commit's rules, not by the changed ${restored.join(", ")}.`);
    await sandbox.own(sandbox.treeFolder);
    return { side, sandbox };
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw error;
  }
}

async function runSide(
  deps: ValidateDeps,
  { settings, layers, limits }: ValidateInput,
  { side, sandbox, checks, endsAtMs }: OpenSide & { checks: Check[]; endsAtMs: number },
): Promise<Side[]> {
  const results: Side[] = [];
  for (const check of checks) {
    const leftSeconds = (endsAtMs - deps.clock.monotonicMs()) / 1000;
    const wallSeconds = Math.min(limits.wallSeconds, leftSeconds);
    const result =
      wallSeconds < 1
        ? timedOut()
        : await runCheck(deps, sandbox, {
            check,
            subFolder: settings.subFolder,
            layers,
            limits: { ...limits, wallSeconds },
          });
    deps.log(
      result.outcome === "passed" ? "info" : "warn",
      `${check.name} on the ${side === "base" ? "base" : "change"}: ${result.outcome.replace("_", " ")} in ${(result.durationMs / 1000).toFixed(1)} s`,
    );
    results.push(result);
  }
  return results;
}

function timedOut(): Side {
  return {
    outcome: "timed_out",
    durationMs: 0,
    outputTail: "The time for all checks was used up.",
  };
}

function notRun(check: Check, why: string | null): CheckResult {
  return {
    ...check,
    base: null,
    head: { outcome: "not_run", durationMs: 0, outputTail: why ?? "" },
  };
}
