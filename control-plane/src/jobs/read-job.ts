import { idOf } from "@feedback-chat/protocol/ids";
import type { Job, JobStatus } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

type Row = {
  id: string;
  project_id: string;
  run_id: string | null;
  github_issue_number: number;
  status: JobStatus;
  is_parked: boolean;
  attempt: number;
  max_attempts: number;
  worker_id: string | null;
  created_at: Date;
  completed_at: Date | null;
};

/** @throws Problem not_found */
export async function readJob(tx: Tx, jobId: string): Promise<Job> {
  const { rows } = await sql<Row>`
    select id, project_id, run_id, github_issue_number, status, status = 'pending' and run_at = 'infinity' as is_parked,
      attempt, max_attempts, worker_id, created_at, completed_at
    from fc.job_queue where id = ${jobId}`.execute(tx);
  const row = rows[0];
  if (!row) throw new Problem("not_found", "There is no such job.");
  return {
    id: idOf("job", row.id),
    projectId: idOf("prj", row.project_id),
    runId: row.run_id ? idOf("run", row.run_id) : null,
    issueNumber: row.github_issue_number,
    status: row.status,
    isParked: row.is_parked,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    workerId: row.worker_id ? idOf("wrk", row.worker_id) : null,
    createdAt: row.created_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
  };
}
