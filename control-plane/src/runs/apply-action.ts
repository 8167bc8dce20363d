import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { ActionAnswer, ActionRequest } from "@feedback-chat/protocol/run";
import { allowedActions } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { actionVerbs } from "./action-verbs.ts";
import { readRun, readRunRow } from "./read-run.ts";
import { retryRun } from "./retry-run.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "newId" | "now">;
export type Input = {
  projectId: string;
  workspaceId: string;
  runId: string;
  actor: Actor;
  request: ActionRequest;
};

/**
 * A person's decision about a run, recorded with who made it. Of two at once the second sees what the first did.
 * @throws Problem invalid_transition (with `allowed`), stage_changed, validation_failed when the comment is missing,
 *   conflict
 */
export async function applyAction(deps: Deps, input: Input): Promise<ActionAnswer> {
  const { projectId, runId, actor, request } = input;
  const { action } = request;
  const comment = request.comment?.replaceAll("\0", "").toWellFormed().trim() || null;
  if (action === "retry") return retryRun(deps, { ...input, comment });
  return asProject(deps.db, projectId, async (tx) => {
    const job = await lockJob(tx, runId);
    const run = await checkAllowed(tx, runId, request);
    if (!job) throw new Problem("not_found", "There is no such run.");
    await actionVerbs[action](tx, { run, attempt: job.attempt, actor, comment });
    await recordAction(tx, deps, { ...input, comment });
    const after = await readRun(tx, runId);
    return { run: after, ...(action === "request_changes" ? { jobId: idOf("job", job.id) } : {}) };
  });
}

/** @throws Problem stage_changed, invalid_transition */
export async function checkAllowed(
  tx: Tx,
  runId: string,
  { action, expectedStage }: ActionRequest,
) {
  const run = await readRunRow(tx, runId);
  const standing = { stage: run.stage, waitingFor: run.waiting_for };
  if (expectedStage !== undefined && expectedStage !== run.stage)
    throw new Problem("stage_changed", `The run is in ${run.stage}, not in ${expectedStage}.`, {
      facts: { stage: run.stage },
    });
  const allowed = allowedActions(standing);
  if (!allowed.includes(action))
    throw new Problem(
      "invalid_transition",
      `${action} is not possible in ${run.stage}; allowed: ${allowed.join(", ") || "nothing"}.`,
      { facts: { stage: run.stage, waitingFor: run.waiting_for, allowed } },
    );
  return run;
}

export async function recordAction(
  tx: Tx,
  { newId }: Pick<AppDeps, "newId">,
  { projectId, workspaceId, runId, actor, request, comment }: Input & { comment: string | null },
): Promise<void> {
  await sql`insert into fc.run_actions (id, run_id, project_id, action, comment, actor)
    values (${newId()}, ${runId}, ${projectId}, ${request.action}, ${comment}, ${JSON.stringify(actor)}::jsonb)`.execute(
    tx,
  );
  await writeAudit(tx, {
    id: newId(),
    workspaceId,
    projectId,
    actor,
    action: `run.${request.action}`,
    target: runId,
  });
}
