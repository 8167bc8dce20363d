import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { ActionAnswer } from "@feedback-chat/protocol/run";
import type { Action } from "@feedback-chat/protocol/run-machine";
import type { AppDeps } from "../app-deps.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { actionVerbs } from "./action-verbs.ts";
import { checkAllowed } from "./check-allowed.ts";
import { readRun } from "./read-run.ts";
import { type ActionOf, recordAction } from "./record-action.ts";
import { retryRun } from "./retry-run.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "newId" | "now">;

/**
 * A person's decision about a run, recorded with who made it. Of two at once the second sees what the first did.
 * @throws Problem invalid_transition (with `allowed`), stage_changed, validation_failed when the comment is missing,
 *   conflict
 */
export async function applyAction(deps: Deps, input: ActionOf): Promise<ActionAnswer> {
  const { projectId, request } = input;
  const { action } = request;
  if (action === "retry") return retryRun(deps, { ...input, comment: plainComment(request.comment) });
  return asProject(deps.db, projectId, async (tx) => {
    const { jobId } = await applyActionIn(tx, deps, { ...input, action });
    const run = await readRun(tx, input.runId);
    return { run, ...(action === "request_changes" ? { jobId: idOf("job", jobId) } : {}) };
  });
}

/** The same in the caller's transaction, for every action but a retry, which makes a new run. */
export async function applyActionIn(
  tx: Tx,
  deps: Pick<Deps, "newId">,
  input: ActionOf & { action: Exclude<Action, "retry"> },
): Promise<{ jobId: string }> {
  const { runId, actor, request, action } = input;
  const comment = plainComment(request.comment);
  const job = await lockJob(tx, runId);
  const run = await checkAllowed(tx, runId, request);
  if (!job) throw new Problem("not_found", "There is no such run.");
  await actionVerbs[action](tx, { run, attempt: job.attempt, actor, comment });
  await recordAction(tx, deps, { ...input, comment });
  return { jobId: job.id };
}

/** What a column of text takes, without the space around it. */
export function plainComment(comment: string | undefined): string | null {
  return comment?.replaceAll("\0", "").toWellFormed().trim() || null;
}
