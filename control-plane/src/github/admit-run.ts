import { judgeRights } from "@feedback-chat/agent/core/gate";
import { systemActor } from "@feedback-chat/protocol/actor";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Origin } from "@feedback-chat/protocol/job";
import { type ClosedSecretCode, closedSecretCodes } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { advanceRun } from "../jobs/advance-run.ts";
import { endJob } from "../jobs/end-job.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { unparkJob } from "../jobs/unpark-job.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { askRights, type RightsAnswer } from "./ask-rights.ts";
import { githubFor, type ProjectGitHub } from "./github-for.ts";
import { githubTrouble } from "./github-trouble.ts";
import { type GateFacts, readGateFacts } from "./read-gate-facts.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log">;
type Run = { id: string; projectId: string };

type Verdict =
  | { kind: "admit"; origin: Origin; detail: string; comments: RightsAnswer["comments"] }
  | { kind: "decline"; detail: string }
  /** `github_access`: there is one, and it does not reach. */
  | { kind: "wait_for_credential"; reason: "credential" | "github_access" | ClosedSecretCode; detail: string };

/**
 * The gate's second step for one parked run: whose words these are, who asked, whether money is left.
 * @returns seconds after which to look again, when GitHub could not be asked; else undefined: it is decided.
 */
export async function admitRun(deps: Deps, run: Run): Promise<number | undefined> {
  const facts = await asProject(deps.db, run.projectId, (tx) => readGateFacts(tx, run.id));
  if (!facts) return undefined;
  const verdict = await decide(deps, run, facts);
  if (verdict.kind === "wait") return verdict.seconds;
  await asProject(deps.db, run.projectId, (tx) => apply(tx, run, verdict));
  if (verdict.kind === "decline") deps.log.info("gate.declined", { runId: run.id, reason: verdict.detail });
  // Somebody has to bring a credential; when it comes, that wakes us. The rest is patience.
  return verdict.kind === "wait_for_credential" ? 60 : undefined;
}

type Decided = Verdict | { kind: "wait"; seconds: number };

async function decide(deps: Deps, run: Run, facts: GateFacts): Promise<Decided> {
  try {
    const github = await githubFor(deps, run.projectId);
    return github ? await ask(deps, github, facts) : withoutToken(facts);
  } catch (error) {
    for (const code of closedSecretCodes)
      if (isProblem(error, code)) return { kind: "wait_for_credential", reason: code, detail: error.message };
    throw error;
  }
}

async function ask({ now }: Deps, github: ProjectGitHub, facts: GateFacts): Promise<Decided> {
  try {
    return judge(facts, await askRights(github, facts));
  } catch (error) {
    const { kind, said, retryAfterSeconds } = githubTrouble(error, now());
    if (kind === "rate") return { kind: "wait", seconds: retryAfterSeconds };
    if (kind === "unreachable") return { kind: "wait", seconds: 0 };
    if (kind === "gone") return { kind: "decline", detail: "The issue is gone, or the token may not see it." };
    const detail = github.way === "app" ? said : `The project's GitHub token may not ask who has which rights: ${said}`;
    return { kind: "wait_for_credential", reason: "github_access", detail };
  }
}

function judge(facts: GateFacts, rights: RightsAnswer): Verdict {
  const answer = judgeRights({
    hasFeedbackBotLabelEver: facts.hadFeedbackLabel || rights.hadBotLabel,
    isNamedByFeedback: facts.isNamedByFeedback,
    author: rights.author,
    asker: rights.asker,
    authorPermission: rights.author.permission,
    askerPermission: rights.asker?.permission ?? null,
    // A retry was asked for by a member of the workspace: our own rights.
    cameThroughProject: facts.isNamedByFeedback || facts.source === "retry",
    dayBudgetLeftMicroUsd: facts.dayBudgetLeftMicroUsd,
  });
  if (!answer.go) return { kind: "decline", detail: answer.detail };
  const detail = `Admitted; the words count as ${answer.origin}.`;
  return { kind: "admit", origin: answer.origin, detail, comments: rights.comments };
}

/** Rights cannot be asked: fail closed, as a stranger's words, if a worker brings a token of its own to publish. */
function withoutToken(facts: GateFacts): Verdict {
  if (!facts.hasWorkerWithToken)
    return { kind: "wait_for_credential", reason: "credential", detail: "The project has no GitHub token yet." };
  if (facts.dayBudgetLeftMicroUsd <= 0)
    return { kind: "decline", detail: "The project's budget of the last 24 hours is used up." };
  const detail = "The server has no GitHub token, so nobody's rights could be asked: the words count as public.";
  return { kind: "admit", origin: "public", detail, comments: [] };
}

async function apply(tx: Tx, run: Run, verdict: Verdict): Promise<void> {
  const job = await lockJob(tx, run.id);
  // Cancelled meanwhile, or another server was faster.
  if (!job || !(await isStillAtGate(tx, run.id))) return;
  const shared = { actor: systemActor, attempt: job.attempt };
  if (verdict.kind === "decline") {
    await endJob(tx, run.id);
    await advanceRun(tx, run.id, {
      ...shared,
      event: "declined",
      reason: "not_admitted",
      reasonText: verdict.detail,
    });
  } else if (verdict.kind === "admit") {
    await sql`
      with run as (update fc.pipeline_runs set origin = ${verdict.origin} where id = ${run.id})
      update fc.issue_snapshots s set comments = ${JSON.stringify([...verdict.comments, ...(await wordsOfReporters(tx, run.id))])}::jsonb
      from fc.job_queue j where j.run_id = ${run.id} and s.id = j.snapshot_id`.execute(tx);
    await unparkJob(tx, run.id, { resumeAt: "snapshot" });
    await advanceRun(tx, run.id, {
      ...shared,
      event: "unparked",
      phase: null,
      waitingFor: "worker",
      reason: null,
      reasonText: null,
      detail: verdict.detail,
    });
  } else {
    await waitForCredential(tx, run, verdict, shared);
  }
}

/** What the reporters said was not right, since an earlier change was live. */
async function wordsOfReporters(tx: Tx, runId: string): Promise<RightsAnswer["comments"]> {
  const { rows } = await sql<{ body: string }>`
    select words.body from fc.pipeline_runs r join fc.feedback f on f.issue_id = r.issue_id,
      unnest(f.reopened_words) with ordinality as words (body, nth)
    where r.id = ${runId} and not exists (select from fc.blocked_reporters b
      where b.project_id = f.project_id and b.reporter_hash = f.reporter_hash)
    order by f.reopened_at, f.id, words.nth limit 50`.execute(tx);
  return rows.map(({ body }) => ({ author: "a reporter of this issue", body }));
}

async function waitForCredential(
  tx: Tx,
  run: Run,
  { reason, detail }: { reason: string; detail: string },
  shared: { actor: typeof systemActor; attempt: number },
): Promise<void> {
  const { rows } = await sql`select from fc.pipeline_runs where id = ${run.id}
    and waiting_for = 'credential' and reason_text = ${detail}`.execute(tx);
  if (rows.length > 0) return;
  await advanceRun(tx, run.id, {
    ...shared,
    event: "parked",
    waitingFor: "credential",
    reason,
    reasonText: detail,
    detail,
  });
}

async function isStillAtGate(tx: Tx, runId: string): Promise<boolean> {
  const { rows } = await sql`
    select from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id
    where r.id = ${runId} and r.stage = 'queued' and r.phase = 'gate' and j.status = 'pending'`.execute(tx);
  return rows.length > 0;
}
