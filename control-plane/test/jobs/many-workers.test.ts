import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestApp, type TestApp } from "../support/open-test-app.ts";
import { seedKey, seedProject, seedRun, seedWorkspace } from "../support/seed.ts";
import { openTestWorker, type TestWorker } from "../support/test-worker.ts";

/** The embedded database serves one request after the other: there fewer jobs show the same. */
const sizes = { server: { workers: 20, jobs: 500 }, embedded: { workers: 20, jobs: 60 } };
const limits = [1, 2, 3, 4, 5];

describe.each(kinds)("many workers on %s", (kind) => {
  it("case 13: 20 workers, 500 jobs, 5 projects: each is done once; limits and priorities are kept", async () => {
    await using test = await openTestApp({ kind });
    const { db } = test;
    const workspaceId = await seedWorkspace(db);
    const { key } = await seedKey(db, { kind: "worker", workspaceId });
    const projects = await Promise.all(
      limits.map((maxConcurrentRuns) => seedProject(db, { workspaceId, maxConcurrentRuns })),
    );
    const { workers, jobs } = sizes[kind];
    for (let number = 0; number < jobs; number += 1) {
      const projectId = projects[number % projects.length] ?? "";
      await seedRun(db, { projectId, priority: [1, 5, 10][number % 3] ?? 10 });
    }
    const all = await Promise.all(Array.from({ length: workers }, () => openTestWorker(test.app, key)));
    const done: string[] = [];
    await Promise.all(all.map((worker) => workUntilEmpty(worker, done)));

    expect(done).toHaveLength(jobs);
    expect(new Set(done).size).toBe(jobs);
    const most = await mostAtOnce(test);
    for (const [index, limit] of limits.entries()) expect(most[projects[index] ?? ""]).toBeLessThanOrEqual(limit);
    expect(Math.max(...Object.values(most))).toBeGreaterThan(1);
    await expectNothingLeft(test);
    expect(await outOfOrder(test)).toBe(0);
  }, 120_000);
});

async function workUntilEmpty(worker: TestWorker, done: string[]): Promise<void> {
  for (;;) {
    const { lease } = await worker.claim(1);
    if (!lease) return;
    done.push(lease.jobId);
    const answer = await worker.say(lease, "complete", {
      outcome: { kind: "declined", reason: "done" },
    });
    if (answer.status !== 200) throw new Error(`not completed: ${JSON.stringify(answer.body)}`);
  }
}

/** From the events in their order: how many leases a project had at the same time. */
async function mostAtOnce({ db }: TestApp): Promise<Record<string, number>> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ most: Record<string, number> }>`
      with held as (
        select project_id, sum(case event when 'leased' then 1 when 'declined' then -1 else 0 end) over (partition by project_id order by project_seq) as jobs
        from fc.run_events
      ), most as (select project_id, max(jobs)::int as jobs from held group by project_id)
      select jsonb_object_agg(project_id, jobs) as most from most`.execute(tx),
  );
  return rows[0]?.most ?? {};
}

async function expectNothingLeft({ db }: TestApp): Promise<void> {
  const { rows } = await asSystem(db, (tx) =>
    sql`select (select sum(running_jobs)::int from fc.projects) as counted, count(*) filter (where status <> 'done')::int as open,
      max(attempt) as attempts from fc.job_queue`.execute(tx),
  );
  expect(rows[0]).toEqual({ counted: 0, open: 0, attempts: 1 });
}

/** Within a project a job of a lower class never started before all of a higher one had. */
async function outOfOrder({ db }: TestApp): Promise<number> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ count: number }>`
      with started as (
        select j.project_id, j.priority, e.project_seq from fc.run_events e join fc.job_queue j on j.run_id = e.run_id where e.event = 'leased'
      )
      select count(*)::int as count from started a join started b on a.project_id = b.project_id and a.priority < b.priority and a.project_seq > b.project_seq`.execute(
      tx,
    ),
  );
  return rows[0]?.count ?? -1;
}
