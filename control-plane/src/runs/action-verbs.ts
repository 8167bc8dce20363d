import type { Actor } from "@feedback-chat/protocol/actor";
import { Problem } from "@feedback-chat/protocol/problem";
import { type Action, isHeld } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { advanceRun } from "../jobs/advance-run.ts";
import { requestCancel } from "../jobs/request-cancel.ts";
import { unparkJob } from "../jobs/unpark-job.ts";
import { type Effect, queueEffects } from "../outbox/queue-effects.ts";
import type { Tx } from "../platform/database.ts";
import type { RunRow } from "./to-run.ts";

export type ActionInput = {
  run: RunRow;
  attempt: number;
  actor: Actor;
  comment: string | null;
};
type Verb = (tx: Tx, input: ActionInput) => Promise<void>;

/** What each action does to a run in which it is allowed. The job's row is locked by now. */
export const actionVerbs: Record<Exclude<Action, "retry">, Verb> = {
  approve: async (tx, input) =>
    isHeld({ stage: input.run.stage, waitingFor: input.run.waiting_for }) ? release(tx, input) : markReady(tx, input),

  async reject(tx, { run, attempt, actor, comment }) {
    const reasonText = comment ?? `${nameOf(actor)} said no.`;
    const stopped = await requestCancel(tx, run.id, {
      actor,
      reason: "rejected",
      then: "declined",
    });
    if (stopped === "ended")
      await sql`update fc.pipeline_runs set reason_text = ${reasonText} where id = ${run.id}`.execute(tx);
    // Nobody works on it: failed by itself, or its pull request is open.
    if (stopped === "inactive")
      await advanceRun(tx, run.id, {
        event: "declined",
        actor,
        attempt,
        reason: "rejected",
        reasonText,
      });
  },

  async request_changes(tx, { run, attempt, actor, comment }) {
    if (!comment) throw commentMissing("request_changes", "Say what has to change.");
    const isOpen = await unparkJob(tx, run.id, { resumeAt: "snapshot", freshAttempts: true });
    if (!isOpen) throw new Problem("conflict", "The run's job cannot be opened again now.");
    await sql`update fc.pipeline_runs set change_request = ${comment} where id = ${run.id}`.execute(tx);
    await advanceRun(tx, run.id, {
      event: "changes_requested",
      actor,
      attempt,
      phase: null,
      waitingFor: "worker",
      reason: null,
      reasonText: null,
    });
  },

  async answer(tx, { run, attempt, actor, comment }) {
    if (!comment) throw commentMissing("answer", "Write the answer.");
    await unparkJob(tx, run.id, {});
    await sql`update fc.pipeline_runs set answer = ${comment} where id = ${run.id}`.execute(tx);
    await advanceRun(tx, run.id, {
      event: "answered",
      actor,
      attempt,
      waitingFor: "worker",
      reason: null,
      reasonText: null,
    });
  },

  async cancel(tx, { run, actor }) {
    await requestCancel(tx, run.id, { actor, reason: "cancelled", then: "cancelled" });
  },
};

/** Held: what was approved is exactly the tree that was shown; any worker may publish it now. */
async function release(tx: Tx, { run, attempt, actor, comment }: ActionInput): Promise<void> {
  const { rows } = await sql<{ tree: string | null }>`
    update fc.pipeline_runs set approved_tree_id = permit_request ->> 'treeId', approved_by = ${nameOf(actor)}
    where id = ${run.id} returning approved_tree_id as tree`.execute(tx);
  if (!rows[0]?.tree) throw new Problem("conflict", "The worker has not said yet what it wants to publish.");
  await unparkJob(tx, run.id, { resumeAt: "publish" });
  await advanceRun(tx, run.id, {
    event: "approved",
    actor,
    attempt,
    waitingFor: "worker",
    reason: null,
    reasonText: null,
    detail: comment,
  });
}

/** The pull request is open: it becomes ready for review, and is merged where the project says so. A key never merges. */
async function markReady(tx: Tx, { run, attempt, actor, comment }: ActionInput): Promise<void> {
  const { rows } = await sql<{ headSha: string | null; merge: string | null; githubId: string | null }>`
    update fc.pipeline_runs r set approved_by = ${nameOf(actor)} from fc.projects p
    where r.id = ${run.id} and p.id = r.project_id
    returning r.head_sha as "headSha", p.settings ->> 'merge' as merge,
      fc.github_account_of(${actor.kind === "user" ? actor.id : null}::uuid) as "githubId"`.execute(tx);
  await advanceRun(tx, run.id, { event: "approved", actor, attempt, detail: comment });
  const number = run.github_pr_number;
  if (number === null) return;
  const { headSha = null, merge = null, githubId = null } = rows[0] ?? {};
  const isMerged = merge === "approved" && actor.kind === "user" && headSha !== null;
  const effects: Effect[] = [{ kind: "mark_ready", number }];
  if (isMerged)
    effects.push({ kind: "merge_pull", number, headSha, githubId: githubId === null ? null : Number(githubId), actor });
  await queueEffects(tx, { projectId: run.project_id, runId: run.id }, effects);
}

function nameOf(actor: Actor): string {
  return actor.login ?? actor.id ?? actor.kind;
}

function commentMissing(action: Action, message: string): Problem {
  return new Problem("validation_failed", `${action} needs a comment. ${message}`, {
    errors: [{ path: "comment", message }],
  });
}
