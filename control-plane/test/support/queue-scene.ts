import type { Figures } from "@feedback-chat/protocol/figures";
import type { Lease } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { asSystem } from "../../src/platform/as-tenant.ts";
import type { TestDatabase } from "./open-test-database.ts";
import { openTestApp, type TestApp } from "./open-test-app.ts";
import { seedKey, seedProject, seedRun, seedWorkspace } from "./seed.ts";
import { openTestWorker, type TestWorker } from "./test-worker.ts";

export type JobRow = {
  status: string;
  attempt: number;
  max_attempts: number;
  run_at_seconds: number | null;
  resume_at: string;
  stage: string;
  waiting_for: string | null;
  reason: string | null;
  running_jobs: number;
  events: string[];
};

export type QueueScene = TestApp & {
  workspaceId: string;
  projectId: string;
  worker: TestWorker;
  addWorker(name: string): Promise<TestWorker>;
  /** Another run of the project, claimed by the scene's worker. */
  lease(): Promise<Lease & { ids: { jobId: string; runId: string } }>;
  job(runId: string): Promise<JobRow>;
};

/** A workspace, a project with room and a registered worker. */
export async function openQueueScene(
  options: {
    on?: TestDatabase;
    figures?: Partial<Figures>;
    maxConcurrentRuns?: number;
    settings?: object;
  } = {},
): Promise<QueueScene> {
  const { on, figures = {} } = options;
  const test = await openTestApp({ ...(on ? { on } : {}), figures });
  const { db } = test;
  const workspaceId = await seedWorkspace(db);
  const { maxConcurrentRuns = 10, settings = {} } = options;
  const projectId = await seedProject(db, { workspaceId, maxConcurrentRuns, settings });
  const { key } = await seedKey(db, { kind: "worker", workspaceId });
  const worker = await openTestWorker(test.app, key);
  return {
    ...test,
    workspaceId,
    projectId,
    worker,
    addWorker: (name) => openTestWorker(test.app, key, { name }),
    async lease() {
      const ids = await seedRun(db, { projectId });
      const { lease } = await worker.claim();
      if (!lease) throw new Error("Nothing was claimed.");
      return { ...lease, ids };
    },
    job: (runId) => readJobRow(test, runId),
  };
}

async function readJobRow({ db }: TestApp, runId: string): Promise<JobRow> {
  const { rows } = await asSystem(db, (tx) =>
    sql<JobRow>`
      select j.status, j.attempt, j.max_attempts, j.resume_at, r.stage, r.waiting_for, r.reason, p.running_jobs,
        case when j.run_at < 'infinity' then extract(epoch from j.run_at - now())::float8 end as run_at_seconds,
        (select array_agg(e.event order by e.seq) from fc.run_events e where e.run_id = r.id) as events
      from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id join fc.projects p on p.id = r.project_id
      where r.id = ${runId}`.execute(tx),
  );
  if (!rows[0]) throw new Error("There is no such run.");
  return rows[0];
}

/** Tests of deadlines do not wait: they move the row's times into the past. */
export async function ageRun({ db }: TestApp, runId: string, seconds: number): Promise<void> {
  await asSystem(db, async (tx) => {
    const past = sql`make_interval(secs => ${seconds})`;
    await sql`update fc.job_queue set run_at = run_at - ${past}, lease_expires_at = lease_expires_at - ${past},
      cancel_requested_at = cancel_requested_at - ${past} where run_id = ${runId}`.execute(tx);
    await sql`update fc.pipeline_runs set standing_since = standing_since - ${past} where id = ${runId}`.execute(tx);
  });
}
