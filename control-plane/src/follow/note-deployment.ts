import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { movePublished } from "./move-published.ts";

export type SeenDeployment = {
  projectId: string;
  sha: string;
  ref: string;
  state: string;
  isProduction: boolean;
  url: string | null;
};

/**
 * A deployment that ended well: of a run's branch it is the preview, of its merge commit in production the end.
 * @returns what was done, in words, or null when no run waits for it.
 */
export async function noteDeployment(tx: Tx, seen: SeenDeployment, actor: Actor): Promise<string | null> {
  if (seen.state !== "success") return null;
  const { rows } = await sql<{ id: string; previewUrl: string | null; isMerge: boolean }>`
    select id, preview_url as "previewUrl", coalesce(merge_sha = ${seen.sha}, false) as "isMerge" from fc.pipeline_runs
    where project_id = ${seen.projectId} and stage = 'preview_ready'
      and (merge_sha = ${seen.sha} or head_sha = ${seen.sha} or branch = ${seen.ref})`.execute(tx);
  const [run] = rows;
  if (!run) return null;
  if (run.isMerge) {
    if (!seen.isProduction) return null;
    const isMoved = await movePublished(tx, run.id, {
      event: "deployed",
      actor,
      detail: "Merged and deployed to production.",
    });
    return isMoved ? "the run is deployed" : null;
  }
  // People click on it: nothing but a web address.
  const isUseful = /^https?:\/\//i.test(seen.url ?? "") && seen.url !== run.previewUrl;
  if (seen.isProduction || !isUseful) return null;
  const isMoved = await movePublished(tx, run.id, { event: "previewed", actor, detail: seen.url });
  if (isMoved) await sql`update fc.pipeline_runs set preview_url = ${seen.url} where id = ${run.id}`.execute(tx);
  return isMoved ? "the run has a preview" : null;
}
