import type { Phase } from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { hasRoom } from "./claimable.ts";
import { type LockedRun, lockedRun } from "../runs/lock-run.ts";

/** With its run's row, which is locked too. */
export type PickedJob = LockedRun & {
  jobId: string;
  attempt: number;
  token: string;
  expiresAt: Date;
  resumeAt: Phase;
};

type Pick = { workspaceId: string; workerId: string; claimId: string; leaseSeconds: number };
/** Jobs that may be taken, as `due`, with their projects as `p`. */
type Candidates = RawBuilder<unknown>;

/** So many of the workspace's due jobs are looked at in their order; then the projects are asked, one by one. */
const headOfLine = 32;

/**
 * Takes the first job, by priority and age, of the workspace's projects that have room, and counts it on its project.
 *
 * The head of the workspace's line mostly has it: then the rest costs nothing, however many wait in however many
 * projects. Where the head is of full projects only, each project with room is asked for its first job, by index: what
 * a full project has waiting is never looked at. Project, job and run are locked in passing or not at all, so a claim
 * waits for nobody and cannot be part of a deadlock. The counter's row is locked, hence the limit is exact.
 * @returns `hasWork`: nothing was taken, but only because others hold the rows: try again.
 */
export async function pickJob(tx: Tx, pick: Pick): Promise<{ job: PickedJob | null; hasWork: boolean }> {
  const { workspaceId } = pick;
  const byProject = firstOfEachProject(workspaceId);
  for (const candidates of [firstInLine(workspaceId), byProject]) {
    const job = await takeFirst(tx, candidates, pick);
    if (job) return { job, hasWork: false };
  }
  const left = await sql`select from ${byProject} limit 1`.execute(tx);
  return { job: null, hasWork: left.rows.length > 0 };
}

function firstInLine(workspaceId: string): Candidates {
  return sql`
    (select j.id, j.project_id, j.priority, j.run_at from fc.job_queue j
      where j.workspace_id = ${workspaceId} and j.status = 'pending' and j.run_at < 'infinity' and j.run_at <= now()
      order by j.priority, j.run_at, j.id limit ${headOfLine}
    ) due join fc.projects p on p.id = due.project_id and p.workspace_id = ${workspaceId} and ${hasRoom}`;
}

function firstOfEachProject(workspaceId: string): Candidates {
  return sql`
    fc.projects p cross join lateral (
      select j.id, j.priority, j.run_at from fc.job_queue j
      where j.project_id = p.id and j.status = 'pending' and j.run_at < 'infinity' and j.run_at <= now()
      order by j.priority, j.run_at, j.id limit 1
    ) due
    where p.workspace_id = ${workspaceId} and ${hasRoom}`;
}

async function takeFirst(
  tx: Tx,
  candidates: Candidates,
  { workerId, claimId, leaseSeconds }: Pick,
): Promise<PickedJob | undefined> {
  const { rows } = await sql<PickedJob>`
    with picked as materialized (
      select p.id as project_id, due.id as job_id from ${candidates}
      order by due.priority, due.run_at, due.id
      limit 1 for no key update of p skip locked
    ), free as materialized (
      select j.id, j.project_id, j.run_id from picked join fc.job_queue j on j.id = picked.job_id
      where j.status = 'pending' and j.run_at <= now() for no key update of j skip locked
    ), run as materialized (
      select ${lockedRun}, free.id as job_id from free join fc.pipeline_runs r on r.id = free.run_id
      for no key update of r skip locked
    ), counted as (
      update fc.projects p set running_jobs = running_jobs + 1 from run where p.id = run."projectId"
    )
    update fc.job_queue j set status = 'processing', attempt = attempt + 1, worker_id = ${workerId}, claim_id = ${claimId},
      locked_at = now(), lease_token = gen_random_uuid(), lease_expires_at = now() + make_interval(secs => ${leaseSeconds}),
      permit_id = null, logged_lines = 0
    from run where j.id = run.job_id
    returning run.*, j.id as "jobId", j.attempt, j.lease_token as token, j.lease_expires_at as "expiresAt", j.resume_at as "resumeAt"`.execute(
    tx,
  );
  return rows[0];
}
