import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { requestCancel } from "../src/jobs/request-cancel.ts";
import { asProject, asSystem } from "../src/platform/as-tenant.ts";
import { kinds, openTestDatabase } from "./support/open-test-database.ts";
import { seedProject, seedRun, seedWorkspace } from "./support/seed.ts";

describe.each(kinds)("enqueueing a run on %s", (kind) => {
  it("makes one job, one queued run and its first event, and no second one for the issue", async () => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    const projectId = await seedProject(db, { workspaceId: await seedWorkspace(db) });
    const { runId } = await seedRun(db, { projectId, issueNumber: 7 });
    await expect(seedRun(db, { projectId, issueNumber: 7 })).rejects.toThrow("active job");
    const { rows } = await asProject(db, projectId, (tx) =>
      sql`select r.id, r.stage, r.waiting_for, j.status, (select array_agg(event order by seq) from fc.run_events) as events,
        (select count(*)::int from fc.issue_snapshots) as snapshots
        from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id`.execute(tx),
    );
    expect(rows).toEqual([
      {
        id: runId,
        stage: "queued",
        waiting_for: "worker",
        status: "pending",
        events: ["admitted", "unparked"],
        snapshots: 1,
      },
    ]);
  });

  it("ends a waiting run at once when it is cancelled, and frees its issue", async () => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    const projectId = await seedProject(db, { workspaceId: await seedWorkspace(db) });
    const { runId } = await seedRun(db, { projectId, issueNumber: 7 });
    const cancel = { actor: systemActor, reason: "cancelled", then: "cancelled" } as const;
    const cancelling = () => asProject(db, projectId, (tx) => requestCancel(tx, runId, cancel));
    expect(await cancelling()).toBe("ended");
    expect(await cancelling()).toBe("inactive");
    await seedRun(db, { projectId, issueNumber: 7 });
    const { rows } = await asSystem(db, (tx) =>
      sql`select stage, reason, result from fc.pipeline_runs where id = ${runId}`.execute(tx),
    );
    expect(rows).toEqual([{ stage: "failed", reason: "cancelled", result: "failed" }]);
  });
});
