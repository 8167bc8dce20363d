import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { idOf } from "@feedback-chat/protocol/ids";
import { nothingUsed, runSettings, type LeasedJob, type RunSettings } from "@feedback-chat/protocol/job";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { isSettled } from "@feedback-chat/protocol/run-machine";
import { branchTail } from "../core/branch.ts";
import { judgeEvent, judgeRights } from "../core/gate.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { LocalCredentials } from "../ports/coordinator.ts";
import { openOctokit } from "../publish/open-octokit.ts";
import { openSpendLedger } from "./local-spend.ts";
import { readLocalState, type LocalPublish, type LocalState } from "./local-state.ts";
import { createLocalRun, type LocalRunDeps } from "./open-local-run.ts";
import { readIssue, type IssueFacts } from "./read-issue.ts";

export type AdmitInput = {
  repo: string;
  issueNumber: number;
  publish: LocalPublish;
  base?: string;
  budgetMicroUsd?: number;
  settings?: Partial<RunSettings>;
};
type AdmitDeps = LocalRunDeps & { fetch: typeof fetch };
type Places = {
  githubApiUrl: string;
  githubUrl: string;
  stateFolder: string;
  localCredentials: LocalCredentials;
};

/**
 * The gate of a run without a control plane: the person who runs the command asks for it. What was read is frozen.
 * @throws Problem nothing_to_run, conflict (a run of the issue is open), not_found, github_unreachable, github_access.
 */
export async function admitIssue(deps: AdmitDeps, places: Places, input: AdmitInput): Promise<LocalState> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(input.repo)) throw new Problem("usage", `"${input.repo}" is no owner/name.`);
  const token = places.localCredentials.clone?.value ?? null;
  const octokit = openOctokit({ fetch: deps.fetch, signal: deps.signal }, { apiUrl: places.githubApiUrl, token });
  const facts = await readIssue(
    { octokit, now: () => deps.clock.now() },
    { ...input, fullName: input.repo, githubUrl: places.githubUrl },
  );
  const settings = runSettings.parse({
    ...input.settings,
    ...(input.base === undefined ? {} : { baseRef: input.base }),
    ...(input.budgetMicroUsd === undefined ? {} : { budgetMicroUsd: input.budgetMicroUsd }),
    publish: input.publish === "auto" ? "auto" : "hold",
  });
  const job = jobOf(deps, { facts, settings, apiUrl: places.githubApiUrl });
  const open = await findOpenRun(places.stateFolder, job);
  if (open)
    throw new Problem("conflict", `The run ${open} of this issue is still open.`, {
      next: `Go on with it: \`feedback-chat run --resume ${open}\`, or end it with --reject behind that.`,
      facts: { runId: open },
    });
  const origin = await judge(deps, places.stateFolder, { facts, job });
  return createLocalRun(deps, {
    stateFolder: places.stateFolder,
    publish: input.publish,
    job: { ...job, origin },
  });
}

type Considered = { facts: IssueFacts; job: LeasedJob };

async function judge(
  deps: LocalRunDeps,
  stateFolder: string,
  { facts, job }: Considered,
): Promise<LeasedJob["origin"]> {
  const { title, body, author } = facts.snapshot;
  const first = judgeEvent({
    hasTriggerLabel: true,
    isOpen: facts.isOpen,
    isPaused: facts.isArchived,
    hasActiveRun: false,
    title,
    body,
    author,
  });
  if (!first.go) throw new Problem("nothing_to_run", first.detail);
  const { budgetMicroUsd, dayBudgetMicroUsd } = job.settings;
  const file = join(stateFolder, "spend", `${job.repository.id}.json`);
  const ledger = openSpendLedger(deps, {
    file,
    runId: "",
    runCeilingMicroUsd: budgetMicroUsd,
    dayCeilingMicroUsd: dayBudgetMicroUsd,
  });
  const second = judgeRights({
    ...facts.rights,
    cameThroughProject: false,
    isNamedByFeedback: false,
    dayBudgetLeftMicroUsd: await ledger.leftToday(),
  });
  if (second.go) return second.origin;
  if (second.reason === "budget_exhausted") throw new Problem("budget_exceeded", second.detail);
  throw new Problem("forbidden", second.detail, {
    next: "Ask somebody with triage rights on the repository.",
  });
}

function jobOf(
  deps: LocalRunDeps,
  { facts, settings, apiUrl }: { facts: IssueFacts; settings: RunSettings; apiUrl: string },
): LeasedJob {
  const { issueNumber } = facts.snapshot;
  return {
    projectId: idOf("prj", deps.newUuid()),
    issueNumber,
    repository: { ...facts.repository, apiUrl },
    branch: `${settings.branchPrefix}${branchTail(issueNumber, randomBytes(5).toString("hex"))}`,
    origin: "public",
    triggeredBy: facts.asker,
    resumeAt: "snapshot",
    snapshot: facts.snapshot,
    settings,
    changeRequest: null,
    question: null,
    approvedBy: null,
    prNumber: null,
    artifacts: [],
    used: nothingUsed,
    loggedBytes: 0,
  };
}

/** The id of a run of the same issue that could still publish. */
async function findOpenRun(stateFolder: string, job: LeasedJob): Promise<string | null> {
  const names = (await readdir(join(stateFolder, "runs")).catch(ignoring("ENOENT"))) ?? [];
  for (const name of names) {
    const state = await readOrNone(join(stateFolder, "runs", name), name);
    const isSame = state?.job.repository.id === job.repository.id && state.job.issueNumber === job.issueNumber;
    if (state && isSame && !isSettled(state.stage)) return state.runId;
  }
  return null;
}

/** A folder without a state is a run that was killed before it began. */
async function readOrNone(folder: string, name: string): Promise<LocalState | null> {
  try {
    return await readLocalState(folder, name);
  } catch (error) {
    if (isProblem(error, "not_found")) return null;
    throw error;
  }
}
