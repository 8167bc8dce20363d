import type { CheckResult, Evidence } from "@feedback-chat/protocol/evidence";
import { secretTextTrouble } from "@feedback-chat/protocol/secret-text";
import type { RunUse } from "@feedback-chat/protocol/job";
import { projectEnvironment } from "./core/project-environment.ts";
import { withPathAfter, withPathBefore } from "./core/with-path.ts";
import { addUse, leftOf, usedUp } from "./core/budget.ts";
import { failed, noCredential, type PipelineEnd } from "./pipeline-end.ts";
import { judgeTree, openBench, type Bench, type Opened, type Run } from "./pipeline-run.ts";
import type { Secret } from "./ports/coordinator.ts";
import type { RunRepository } from "./ports/git.ts";
import { asRunFailure } from "./ports/run-failure.ts";
import type { SandboxJob } from "./ports/sandbox.ts";
import { runAgent, type AgentInput, type AgentResult } from "./stages/agent.ts";
import { collectTree, type Collected } from "./stages/collect.ts";
import type { Layers } from "./stages/deps.ts";
import { keepEvidence, keepTree, treeInfoOf, type KeptTree } from "./stages/keep-tree.ts";
import type { Validated } from "./stages/validate.ts";

/**
 * The agent's work, from a tree with its task to a tree of ours that was judged and kept. Red checks give it one
 * more round on the same budget; what is still red then is for a person.
 */
export async function makeChange(run: Run, opened: Opened, layers: Layers): Promise<KeptTree | PipelineEnd> {
  const { repository, kept } = opened;
  const { jobId, slot, job } = run.input;
  const over = usedUp(job.settings, job.used);
  if (over) return failed("budget", `${over} Raise it in the project's settings, then retry.`);
  const key = await run.secret("model");
  if (!key && run.engine.id !== "command") return noCredential("There is no key for the model.", "snapshot");
  const trouble = key && secretTextTrouble(key.value);
  if (trouble) return noCredential(`The model's key ${trouble}. Enter it again.`, "snapshot");
  await run.engine.prepare();
  await using sandbox = await run.sandbox.open({ name: `${jobId}-agent`, slot, userOf: layers.owner });
  await repository.exportTree(kept?.info.treeId ?? repository.baseSha, sandbox.treeFolder);
  await sandbox.own(sandbox.treeFolder);

  // Closed before the agent's sandbox, since both may have to be ended at once.
  await using bench = await openBench(run, repository, layers);
  let used = job.used;
  let redChecks: CheckResult[] = [];
  for (let round = 1; ; round += 1) {
    const input = await agentInput(run, opened, { key, used, bench, redChecks });
    const agent = await run.enter("agent", () => runAgent({ ...run, sandbox: withLayers(sandbox, layers) }, input));
    used = addUse(used, { ...agent.spent, agentMs: agent.agentMs, turns: agent.turns });

    const collected = await run.enter("collect", () => collect(run, { agent, repository, sandbox }));
    if ("kind" in collected) return collected;
    run.log.write("info", sizeOf(collected));
    const made = { opened, agent, collected, used };
    const unchecked = {
      checks: [],
      isBuilt: layers.isBuilt,
      note: "The checks have not run.",
      installScripts: layers.installScripts,
    };
    if (!collected.isEmpty) {
      await keepTree(run.coordinator, collected);
      await keepJudged(run, made, unchecked);
    }
    const early = earlyEnd(agent, collected, usedUp(job.settings, used) !== null);
    if (early) return early;
    await run.coordinator.report("collected", "collect");

    const judging = () => judgeTree(run, bench, { ...collected, repository });
    const { checked, ownFaults } = await run.enter("validate", judging);
    redChecks = checked.checks.filter(({ name }) => ownFaults.includes(name));
    const mayFix = round === 1 && ownFaults.length > 0 && !agent.cut && usedUp(job.settings, used) === null;
    if (!mayFix) return await keepJudged(run, made, checked);
    await run.coordinator.report("fix_round", "agent", `Red after the change: ${ownFaults.join(", ")}.`);
  }
}

/**
 * Whatever runs in the job has the project's Node and packages, as the checks do, and finds the package manager by its
 * name. What it writes there, the checks never see.
 */
function withLayers(sandbox: SandboxJob, { folders, mounts, binFolders, node }: Layers): SandboxJob {
  return {
    ...sandbox,
    run: (spec) =>
      sandbox.run({
        ...spec,
        argv: withPathBefore(node.binFolders, withPathAfter(binFolders, spec.argv)),
        env: { ...projectEnvironment, ...spec.env },
        layers: folders,
        readOnlyMounts: [...spec.readOnlyMounts, ...mounts, ...node.mounts],
      }),
  };
}

type Left = { agent: AgentResult; repository: RunRepository; sandbox: SandboxJob };

/** Of an agent that a limit ended, that limit is told, and not what is wrong with the tree that it left. */
async function collect(run: Run, { agent, repository, sandbox }: Left): Promise<Collected | PipelineEnd> {
  const { runFolder, job } = run.input;
  const { cut } = agent;
  const collecting = collectTree(run, {
    repository,
    treeFolder: sandbox.treeFolder,
    runFolder,
    protectedPaths: job.settings.protectedPaths,
    redactor: run.log.redactor(),
  });
  if (cut?.code !== "resources") return await collecting;
  return collecting.catch((error: unknown) => {
    if (!asRunFailure(error)) throw error;
    return failed("resources", cut.detail);
  });
}

function sizeOf({ files }: Collected): string {
  const lines = (of: "addedLines" | "removedLines") => files.reduce((sum, file) => sum + file[of], 0);
  return `Changed ${files.length} ${files.length === 1 ? "file" : "files"}: +${lines("addedLines")} −${lines("removedLines")} lines.`;
}

type Round = { key: Secret | null; used: RunUse; bench: Bench; redChecks: CheckResult[] };

async function agentInput(
  run: Run,
  { issue, repository, kept }: Opened,
  { key, used, bench, redChecks }: Round,
): Promise<AgentInput> {
  const { job } = run.input;
  const left = leftOf(job.settings, used);
  return {
    job: { settings: job.settings, ...issue.said },
    issue: issue.task,
    key,
    leftMicroUsd: left.microUsd,
    leftSeconds: left.seconds,
    leftTurns: left.turns,
    mayAsk: job.question === null && redChecks.length === 0,
    previousDiff: kept?.diff ?? null,
    repositoryInstructions: await readInstructions(run, repository),
    checks: bench.found.likely.flatMap(({ checks }) => checks.map(({ command }) => command.join(" "))),
    redChecks,
  };
}

/** The base commit's own words to agents, where the project lets them in. */
async function readInstructions({ input }: Run, repository: RunRepository): Promise<string | null> {
  if (!input.job.settings.useRepositoryInstructions) return null;
  const files = await Promise.all(
    ["CLAUDE.md", "AGENTS.md"].map((name) => repository.readFile(repository.baseSha, name)),
  );
  const texts = files.flatMap((bytes) => (bytes ? [new TextDecoder().decode(bytes)] : []));
  return texts.length > 0 ? texts.join("\n\n") : null;
}

/** The ends of a round that is not for the checks: a question, nothing done, or no model to go on with. */
function earlyEnd(agent: AgentResult, collected: Collected, isUsedUp: boolean): PipelineEnd | null {
  if (agent.question !== null)
    return {
      kind: "waiting",
      request: { for: "reporter", question: agent.question, resumeAt: "snapshot" },
    };
  if (agent.cut?.code === "credential") return noCredential(agent.cut.detail, "snapshot");
  if (agent.cut?.code === "resources") return failed("resources", agent.cut.detail);
  // Another attempt would find no minutes to ask again in.
  if (agent.cut?.code === "model_unavailable") return failed("model_unavailable", agent.cut.detail, !isUsedUp);
  if (agent.cut?.code === "network")
    return failed("network", agent.cut.detail, agent.cut.isPassing === true && !isUsedUp);
  if (!collected.isEmpty) return null;
  // Of the project's day, not of the run: it goes on by itself when there is room again.
  if (agent.cut?.code === "day_budget")
    return { kind: "waiting", request: { for: "budget", reason: agent.cut.detail, resumeAt: "snapshot" } };
  if (agent.cut && ceilings.has(agent.cut.code)) return failed("budget", agent.cut.detail);
  return failed(
    agent.cut?.code ?? "no_change",
    agent.cut?.detail || `The agent changed nothing. It says: ${agent.summary}`,
  );
}

const ceilings = new Set<NonNullable<AgentResult["cut"]>["code"]>(["budget", "time", "turns"]);

type Made = { opened: Opened; agent: AgentResult; collected: Collected; used: RunUse };

async function keepJudged(run: Run, made: Made, checked: Validated): Promise<KeptTree> {
  const { issue, repository } = made.opened;
  const { diffPatch } = made.collected;
  const info = treeInfoOf({
    baseRef: repository.baseRef,
    title: issue.title,
    evidence: evidenceOf(run, made, checked),
  });
  await keepEvidence(run.coordinator, info);
  return { info, diff: diffPatch };
}

function evidenceOf(run: Run, { opened, agent, collected, used }: Made, checked: Validated): Evidence {
  const { issue, repository } = opened;
  const { treeId, files, ignoredFiles } = collected;
  return {
    schemaVersion: 1,
    asked: {
      issueNumber: run.input.job.issueNumber,
      title: issue.title,
      hiddenRemoved: issue.hiddenRemoved,
      snapshotSha256: issue.sha256,
      wasCut: issue.wasCut,
    },
    done: {
      summary: agent.summary,
      isUnfinished: agent.cut !== null,
      unfinishedBecause: agent.cut?.code ?? null,
      baseSha: repository.baseSha,
      treeId,
      files,
      ignoredFiles,
    },
    checked,
    flagged: collected.verdicts,
    // The run's, with all its attempts: of the earlier ones only the agent's time is known.
    spent: {
      costMicroUsd: used.costMicroUsd,
      inputTokens: used.inputTokens,
      outputTokens: used.outputTokens,
      agentMs: used.agentMs,
      totalMs: Math.round(run.input.job.used.agentMs + run.clock.monotonicMs() - run.startedMs),
    },
  };
}
