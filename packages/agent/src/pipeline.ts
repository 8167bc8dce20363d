import { makeChange } from "./make-change.ts";
import { failed, noCredential, problemEnd, type PipelineEnd } from "./pipeline-end.ts";
import {
  isBefore,
  judgeTree,
  openBench,
  openRun,
  type Opened,
  type PipelineDeps,
  type PipelineInput,
  type Run,
} from "./pipeline-run.ts";
import type { StopCause } from "./ports/coordinator.ts";
import type { RunRepository } from "./ports/git.ts";
import { openRunLog } from "./run-log.ts";
import { cloneRepository } from "./stages/clone.ts";
import { prepareDependencies, type Layers } from "./stages/deps.ts";
import { askPermit } from "./stages/hold.ts";
import { keepEvidence, openKeptTree, readKeptTree, treeInfoOf, type KeptTree } from "./stages/keep-tree.ts";
import { publishTree } from "./stages/publish.ts";
import { requireFreeBranch } from "./stages/require-free-branch.ts";
import { takeSnapshot } from "./stages/snapshot.ts";

/**
 * An issue in, a pull request out. Every ending that somebody can act on is data; what it throws is a bug.
 * When it answers, no process of the run is left.
 */
export async function runPipeline(deps: PipelineDeps, input: PipelineInput): Promise<PipelineEnd> {
  const log = openRunLog(deps, input.job);
  await using run = openRun(deps, input, log);
  try {
    return await walkPhases(run);
  } catch (error) {
    if (deps.signal.aborted) return { kind: "stopped", cause: deps.signal.reason as StopCause };
    const end = problemEnd(error, isBefore(run.phase(), "hold") ? input.job.resumeAt : "publish");
    if (end.kind === "failed") log.write("error", `${end.code}: ${end.reason}`);
    return end;
  } finally {
    log.end();
  }
}

/** The phases, top to bottom. `gate` came before the lease, `follow` comes after the pull request. */
async function walkPhases(run: Run): Promise<PipelineEnd> {
  const { job } = run.input;
  const isFresh = isBefore(job.resumeAt, "validate");
  if (!isBefore(job.resumeAt, "hold")) run.publisher();
  if (isFresh && job.settings.budgetMicroUsd <= 0)
    return failed("budget", "The run's budget is 0: nothing was started.");

  const issue = await run.enter("snapshot", async () => takeSnapshot(job.snapshot, job));

  const left = goesOn(job) ? await readKeptTree(run.coordinator, job.artifacts) : null;
  await using repository = await run.enter("clone", () => clone(run, left?.info.baseSha ?? null));
  run.log.write("info", `Base commit ${repository.baseSha.slice(0, 12)} of ${repository.baseRef}.`);
  const kept = left && (await openKeptTree(run, repository, { left, isNeeded: !isFresh }));
  if (kept && !isBefore(job.resumeAt, "hold")) return await publish(run, repository, kept);

  await using layers = await run.enter("deps", () => layersOf(run, repository));

  // agent, collect and validate: twice, if the checks are red after the first round.
  const opened: Opened = { issue, repository, kept };
  const changed =
    kept && !isFresh ? await validateAgain(run, repository, kept, layers) : await makeChange(run, opened, layers);
  await layers.requireUnbroken();
  if ("kind" in changed) return changed;

  return await publish(run, repository, changed);
}

/**
 * Whether an earlier tree counts: past the checks, after a question, and when a person asked for changes. What a lost
 * attempt left behind is no start: nobody knows how far it came.
 */
function goesOn({ resumeAt, changeRequest, question }: PipelineInput["job"]): boolean {
  return !isBefore(resumeAt, "validate") || changeRequest !== null || question?.answer != null;
}

/** Hold, then publish: exactly the tree that was judged, with a token that exists only now. */
async function publish(run: Run, repository: RunRepository, kept: KeptTree): Promise<PipelineEnd> {
  const permit = await run.enter("hold", () => askPermit(run.coordinator, kept.info));
  if ("kind" in permit) return permit;
  const published = await run.enter("publish", async () => {
    const token = await run.secret("publish");
    return (
      token &&
      publishTree(
        { ...run, publish: run.publisher().publish },
        {
          ...run.input,
          repository,
          tree: kept.info,
          token: token.value,
          approvedBy: permit.approvedBy,
        },
      )
    );
  });
  if (!published) return noCredential("There is no GitHub token to publish with.", "publish");
  const { prNumber, prUrl, headSha, isDraft } = published;
  return { kind: "published", outcome: { kind: "published", prNumber, prUrl, headSha, isDraft } };
}

/** After a crash between collect and the end of the checks: the same tree, no agent, no fix round. */
async function validateAgain(run: Run, repository: RunRepository, kept: KeptTree, layers: Layers): Promise<KeptTree> {
  const { evidence } = kept.info;
  const { treeId, files } = evidence.done;
  const { checked } = await run.enter("validate", async () => {
    await using bench = await openBench(run, repository, layers);
    return await judgeTree(run, bench, { repository, treeId, files });
  });
  const info = treeInfoOf({ ...kept.info, evidence: { ...evidence, checked } });
  await keepEvidence(run.coordinator, info);
  return { ...kept, info };
}

function layersOf(run: Run, repository: RunRepository): Promise<Layers> {
  const { jobId, slot, job } = run.input;
  const deps = { ...run, log: run.log.write };
  return prepareDependencies(deps, {
    repository,
    settings: job.settings,
    job: { name: `${jobId}-deps`, slot },
  });
}

async function clone(run: Run, baseSha: string | null): Promise<RunRepository> {
  const { job, cacheFolder, runFolder } = run.input;
  const token = await run.secret("clone");
  const { repository, settings } = job;
  const access = { repository, token: token?.value ?? null };
  const cloned = await cloneRepository(run, { ...access, baseRef: settings.baseRef, baseSha, cacheFolder, runFolder });
  // Later it would cost the agent's money to find out.
  if (isBefore(job.resumeAt, "hold"))
    await requireFreeBranch(run, { ...access, branch: job.branch }).catch(async (error: unknown) => {
      await cloned[Symbol.asyncDispose]();
      throw error;
    });
  return cloned;
}
