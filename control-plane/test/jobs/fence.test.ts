import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { overdueKinds } from "../../src/jobs/find-due.ts";
import { sweepJobs } from "../../src/jobs/sweep-jobs.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { shareDatabase } from "../support/share-database.ts";
import { ageRun, openQueueScene, type QueueScene } from "../support/queue-scene.ts";

const permit = {
  treeId: "a".repeat(40),
  baseSha: "b".repeat(40),
  hasHoldVerdict: false,
  hasFlag: false,
  checks: "green",
  isUnfinished: false,
};

/** Every route that a lease opens, with a body that a good lease would get through. */
const leaseCalls: [method: string, rest: string, body: unknown][] = [
  ["POST", "renew", { waitS: 0 }],
  ["POST", "events", { eventId: randomUUID(), event: "phase_started", phase: "clone" }],
  ["POST", "logs", { offset: 0, lines: [{ at: new Date().toISOString(), level: "info", message: "late" }] }],
  ["POST", "permit", permit],
  ["POST", "credentials", { purpose: "clone" }],
  ["POST", "wait", { for: "github", resumeAt: "snapshot" }],
  ["POST", "complete", { outcome: { kind: "declined", reason: "no" } }],
  ["POST", "fail", { code: "clone", reason: "no", retryable: true }],
  ["POST", "release", {}],
  ["POST", "spend/reserve", { requestId: randomUUID(), microUsd: 1 }],
  ["POST", "spend/settle", { reservationId: randomUUID(), microUsd: 1 }],
  ["PUT", "artifacts/diff.patch", new TextEncoder().encode("late")],
  ["GET", "artifacts/diff.patch", undefined],
];

async function contents({ db }: QueueScene): Promise<unknown> {
  const tables = [
    "job_queue",
    "pipeline_runs",
    "run_events",
    "run_logs",
    "artifacts",
    "spend_reservations",
    "outbox",
    "audit_logs",
  ];
  const all = tables.map(
    (table) => `(select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') from fc.${table} t)`,
  );
  const { rows } = await asSystem(db, (tx) =>
    sql
      .raw(`select jsonb_build_array(${all.join(", ")}) as all, (select sum(running_jobs) from fc.projects) as counter`)
      .execute(tx),
  );
  return rows[0];
}

describe.each(kinds)("the fence on %s", (kind) => {
  const database = shareDatabase(kind);

  it("case 12: after a requeue the old worker gets 409 from every route, and changes no row", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const old = await scene.lease();
    await ageRun(scene, old.ids.runId, 31);
    await sweepJobs(scene.deps, overdueKinds(scene.deps.config.figures));
    const { lease: fresh } = await (await scene.addWorker("second")).claim();
    expect(fresh).toMatchObject({ jobId: old.jobId, attempt: 2 });
    const before = await contents(scene);
    for (const [method, rest, body] of leaseCalls) {
      const answer = await scene.worker.call(method, `/v1/jobs/${old.jobId}/${rest}`, body, old);
      expect([rest, answer.status, answer.body["code"]]).toEqual([rest, 409, "lease_lost"]);
    }
    expect(await contents(scene)).toEqual(before);
    if (fresh) expect((await scene.worker.say(fresh, "renew")).status).toBe(200);
  });

  it("lets a lease go on that ran out but was not taken away", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    await ageRun(scene, lease.ids.runId, 31);
    expect((await scene.worker.say(lease, "renew")).status).toBe(200);
    await sweepJobs(scene.deps, overdueKinds(scene.deps.config.figures));
    expect((await scene.job(lease.ids.runId)).status).toBe("processing");
  });

  it("refuses a lease header that is missing, malformed or made up", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const forged = [
      { ...lease, token: "-".repeat(36) },
      { ...lease, token: randomUUID() },
      { ...lease, attempt: lease.attempt + 1 },
    ];
    for (const held of forged) expect((await scene.worker.say(held, "renew")).body["code"]).toBe("lease_lost");
    expect((await scene.worker.call("POST", `/v1/jobs/${lease.jobId}/renew`, {})).body["code"]).toBe("lease_lost");
  });
});
