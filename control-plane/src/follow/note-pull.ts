import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { movePublished } from "./move-published.ts";

export type ClosedPull = {
  projectId: string;
  number: number;
  /** Of the repository itself: a fork may use the same name. Any of the run's `branchNames`. */
  branch: string;
  /** Null: closed without a merge. */
  mergeSha: string | null;
};

/**
 * The end of a pull request of ours. A merge is only noted here: whether the repository deploys it is asked later.
 * @returns what was done, in words, or null when no run waits for it.
 */
export async function notePull(tx: Tx, pull: ClosedPull, actor: Actor): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select id from fc.pipeline_runs where project_id = ${pull.projectId} and ${pull.branch} in (branch, branch || 'x2', replace(branch, '/', '-'))
      and github_pr_number = ${pull.number} and stage = 'preview_ready'`.execute(tx);
  const [run] = rows;
  if (!run) return null;
  if (pull.mergeSha === null) {
    const isMoved = await movePublished(tx, run.id, {
      event: "declined",
      actor,
      reason: "pr_closed",
      reasonText: `Pull request #${pull.number} was closed without a merge.`,
    });
    return isMoved ? "the run was declined: its pull request was closed unmerged" : null;
  }
  await sql`
    with noted as (update fc.pipeline_runs set merge_sha = ${pull.mergeSha} where id = ${run.id} returning id)
    select pg_notify('fc_gate', '') from noted`.execute(tx);
  return "the pull request of the run was merged";
}
