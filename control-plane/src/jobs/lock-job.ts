import type { JobStatus } from "@feedback-chat/protocol/job";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

export type LockedJob = {
  id: string;
  projectId: string;
  workspaceId: string;
  status: JobStatus;
  attempt: number;
};

/**
 * Locks the job of a run. Whoever changes a job and its run in one transaction calls this first: the job's row, then
 * the run's, then the project's is the order in which everybody locks.
 */
export async function lockJob(tx: Tx, runId: string): Promise<LockedJob | null> {
  const { rows } = await sql<LockedJob>`
    select j.id, j.project_id as "projectId", p.workspace_id as "workspaceId", j.status, j.attempt
    from fc.job_queue j join fc.projects p on p.id = j.project_id
    where j.run_id = ${runId} for update of j`.execute(tx);
  return rows[0] ?? null;
}
