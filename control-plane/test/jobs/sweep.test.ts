import { systemActor } from "@feedback-chat/protocol/actor";
import { runSettings } from "@feedback-chat/protocol/job";
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { deafKinds, overdueKinds } from "../../src/jobs/find-due.ts";
import { requestCancel } from "../../src/jobs/request-cancel.ts";
import { startSweeper } from "../../src/jobs/start-sweeper.ts";
import { changeProject } from "../../src/projects/change-project.ts";
import { pauseInstance } from "../../src/operations/pause-instance.ts";
import { sweepJobs } from "../../src/jobs/sweep-jobs.ts";
import { wakeBudgetWaits } from "../../src/jobs/wake-budget-waits.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { openServer } from "../../src/platform/open-server.ts";
import { openTestApp } from "../support/open-test-app.ts";
import { kinds, quietLog } from "../support/open-test-database.ts";
import { ageRun, openQueueScene, type QueueScene } from "../support/queue-scene.ts";
import { seedRun } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";
import { until } from "../support/until.ts";

const day = 24 * 3_600;
const collected = () => ({ eventId: randomUUID(), event: "collected", phase: "collect" });
const sweep = ({ deps }: QueueScene) => sweepJobs(deps, overdueKinds(deps.config.figures));
const cancel = ({ db, projectId }: QueueScene, runId: string) =>
  asProject(db, projectId, (tx) =>
    requestCancel(tx, runId, { actor: systemActor, reason: "cancelled", then: "cancelled" }),
  );

const caller = { kind: "anyone" } as const;
const change = ({ deps, projectId }: QueueScene, changed: { isPaused?: boolean; maxConcurrentRuns?: number }) =>
  changeProject(deps, { caller, projectId, change: changed });

describe.each(kinds)("the sweeper on %s", (kind) => {
  const database = shareDatabase(kind);

  it("case 17: a job that kills each worker has 3 attempts with backoff, then attempts_exhausted; other jobs flow", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, priority: 1 });
    const rests: number[] = [];
    for (const attempt of [1, 2, 3]) {
      expect((await scene.worker.claim()).lease?.attempt).toBe(attempt);
      await ageRun(scene, runId, 31);
      await sweep(scene);
      const { run_at_seconds } = await scene.job(runId);
      rests.push(run_at_seconds ?? 0);
      const other = await scene.lease();
      expect(other.ids.runId).not.toBe(runId);
      await ageRun(scene, runId, 30);
    }
    expect(rests[0]).toBeGreaterThan(3.5);
    expect(rests[1]).toBeGreaterThan(rests[0] ?? 0);
    const job = await scene.job(runId);
    expect(job).toMatchObject({
      status: "failed",
      stage: "failed",
      reason: "attempts_exhausted",
      attempt: 3,
    });
    expect(job.events.filter((event) => event === "lease_lost")).toHaveLength(2);
  });

  it("resumes a lost attempt at the start, but publishes the tree that was permitted", async () => {
    await using scene = await openQueueScene({
      on: database(),
      figures: { backoffSeconds: 0 },
      settings: { publish: "auto" },
    });
    const lease = await scene.lease();
    for (const name of ["tree.pack", "tree.json"])
      await scene.worker.call(
        "PUT",
        `/v1/jobs/${lease.jobId}/artifacts/${name}`,
        new TextEncoder().encode(name),
        lease,
      );
    await scene.worker.say(lease, "events", collected());
    await ageRun(scene, lease.ids.runId, 31);
    await sweep(scene);
    const { lease: second } = await scene.worker.claim();
    expect(second?.job).toMatchObject({
      resumeAt: "snapshot",
      artifacts: ["tree.json", "tree.pack"],
    });
    if (!second) return;
    await scene.worker.say(second, "events", collected());
    const asked = {
      treeId: "a".repeat(40),
      baseSha: "b".repeat(40),
      hasHoldVerdict: false,
      hasFlag: false,
      checks: "green",
      isUnfinished: false,
    };
    expect((await scene.worker.say(second, "permit", asked)).status).toBe(200);
    await ageRun(scene, lease.ids.runId, 31);
    await sweep(scene);
    const { lease: third } = await scene.worker.claim();
    expect(third).toMatchObject({ attempt: 3, job: { resumeAt: "publish" } });
    expect(await scene.job(lease.ids.runId)).toMatchObject({ stage: "validating" });
  });

  const standing: [name: string, seconds: number, wait: object | null, end: object][] = [
    ["a run that no worker takes fails after a day", day, null, { stage: "failed", reason: "no_worker" }],
    ["a question without an answer fails after 7 days", 7 * day, { for: "reporter", question: "Which?", resumeAt: "agent" }, { stage: "failed", reason: "no_answer" }],
    ["what may be tried again at GitHub, and no worker takes, fails a day after it is due", day + 60, { for: "github", untilSeconds: 60, resumeAt: "snapshot" }, { stage: "failed", reason: "no_worker" }],
    ["a held run expires after 14 days", 14 * day, { for: "approval", resumeAt: "publish" }, { stage: "rejected", reason: "expired" }],
  ]; // prettier-ignore
  it.each(standing)("%s, and not a minute before", async (_, seconds, wait, end) => {
    await using scene = await openQueueScene({ on: database() });
    const { runId } = wait
      ? (await leaseAndPark(scene, wait)).ids
      : await seedRun(scene.db, { projectId: scene.projectId });
    await ageRun(scene, runId, seconds - 60);
    await sweep(scene);
    expect((await scene.job(runId)).status).toBe("pending");
    await ageRun(scene, runId, 61);
    await sweep(scene);
    expect(await scene.job(runId)).toMatchObject({ status: "failed", ...end });
  });

  it.each([
    ["the instance is paused", "update fc.instance set is_paused = true", (scene: QueueScene) => pauseInstance(scene.deps, { caller, isPaused: false })],
    ["its project is paused", "update fc.projects set is_paused = true", (scene: QueueScene) => change(scene, { isPaused: false })],
    ["its project has no room", "update fc.projects set max_concurrent_runs = 1, running_jobs = 1", (scene: QueueScene) => change(scene, { maxConcurrentRuns: 2 })],
  ])("keeps a run waiting while %s, and gives it a whole day afterwards", async (_, blocking, unblock) => {
    await using scene = await openQueueScene({ on: database() });
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId });
    const isInstance = blocking.includes("instance");
    await asSystem(scene.db, (tx) => sql.raw(`${blocking}${isInstance ? "" : ` where id = '${scene.projectId}'`}`).execute(tx));
    await ageRun(scene, runId, day + 60);
    await sweep(scene);
    expect(await scene.job(runId)).toMatchObject({ status: "pending", stage: "queued" });
    await unblock(scene);
    await sweep(scene);
    expect(await scene.job(runId), "a worker may claim it from now on").toMatchObject({ status: "pending" });
    await asSystem(scene.db, async (tx) => {
      await sql`update fc.instance set resumed_at = resumed_at - make_interval(secs => ${day + 60})`.execute(tx);
      await sql`update fc.projects set room_since = room_since - make_interval(secs => ${day + 60})`.execute(tx);
    });
    await sweep(scene);
    expect(await scene.job(runId)).toMatchObject({ status: "failed", reason: "no_worker" });
  }); // prettier-ignore

  it("counts a run's wait from the end of the job that took its turn", async () => {
    await using scene = await openQueueScene({ on: database(), maxConcurrentRuns: 1 });
    const lease = await scene.lease();
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId });
    await ageRun(scene, runId, day + 60);
    await scene.worker.say(lease, "fail", { code: "clone", reason: "gone", retryable: false });
    await sweep(scene);
    expect(await scene.job(runId)).toMatchObject({ status: "pending", stage: "queued" });
  });

  it("ends checks that run longer than 15 minutes, though the worker renews", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    await scene.worker.say(lease, "events", collected());
    await ageRun(scene, lease.ids.runId, 15 * 60 + 1);
    await scene.worker.say(lease, "renew");
    await sweep(scene);
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      stage: "failed",
      reason: "validation_timeout",
      running_jobs: 0,
    });
    expect((await scene.worker.say(lease, "renew")).body["code"]).toBe("lease_lost");
  });

  it("gives publishing its own 15 minutes, however long the checks took", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const { runId } = lease.ids;
    const enter = (phase: string) =>
      scene.worker.say(lease, "events", { eventId: randomUUID(), event: "phase_started", phase });
    const age = async (seconds: number) => {
      await ageRun(scene, runId, seconds);
      await scene.worker.say(lease, "renew");
      await sweep(scene);
    };
    await scene.worker.say(lease, "events", collected());
    await enter("validate");
    await age(14 * 60);
    await enter("hold");
    await age(50);
    await enter("publish");
    await age(14 * 60);
    expect(await scene.job(runId)).toMatchObject({ status: "processing", stage: "validating" });
    await age(61);
    expect(await scene.job(runId)).toMatchObject({ stage: "failed", reason: "validation_timeout" });
  });

  it("ends what still prepares or works an hour after its own minutes, though the worker renews", async () => {
    await using scene = await openQueueScene({ on: database(), settings: { budgetMinutes: 30 } });
    const lease = await scene.lease();
    await ageRun(scene, lease.ids.runId, 90 * 60 - 60);
    await scene.worker.say(lease, "renew");
    await sweep(scene);
    expect((await scene.job(lease.ids.runId)).status).toBe("processing");
    await ageRun(scene, lease.ids.runId, 61);
    await scene.worker.say(lease, "renew");
    await sweep(scene);
    expect(await scene.job(lease.ids.runId)).toMatchObject({ stage: "failed", reason: "run_timeout", running_jobs: 0 });
    expect((await scene.worker.say(lease, "renew")).body["code"]).toBe("lease_lost");
  });

  it("case 18: a cancel is final in every status, with a worker that obeys and with a deaf one", async () => {
    await using scene = await openQueueScene({ on: database() });
    const pending = await seedRun(scene.db, { projectId: scene.projectId });
    expect(await cancel(scene, pending.runId)).toBe("ended");
    const parked = await leaseAndPark(scene, { for: "approval", resumeAt: "publish" });
    expect(await cancel(scene, parked.ids.runId)).toBe("ended");

    const obeying = await scene.lease();
    const renewing = scene.worker.say(obeying, "renew", { waitS: 10 });
    const start = performance.now();
    expect(await cancel(scene, obeying.ids.runId)).toBe("requested");
    expect((await renewing).body).toMatchObject({ cancel: true });
    expect(performance.now() - start).toBeLessThan(2_000);
    await scene.worker.say(obeying, "fail", {
      code: "cancelled",
      reason: "stopped",
      retryable: false,
    });

    const deaf = await scene.lease();
    await scene.worker.say(deaf, "events", collected());
    await cancel(scene, deaf.ids.runId);
    const kindsOfDeaf = deafKinds(scene.deps.config.figures);
    await ageRun(scene, deaf.ids.runId, 14);
    await sweepJobs(scene.deps, kindsOfDeaf);
    expect((await scene.job(deaf.ids.runId)).status).toBe("processing");
    await ageRun(scene, deaf.ids.runId, 2);
    await sweepJobs(scene.deps, kindsOfDeaf);
    expect(
      (await scene.worker.say(deaf, "complete", { outcome: { kind: "declined", reason: "x" } })).body["code"],
    ).toBe("lease_lost");
    for (const { ids } of [parked, obeying, deaf]) {
      expect(await scene.job(ids.runId)).toMatchObject({
        status: "failed",
        stage: "failed",
        reason: "cancelled",
        running_jobs: 0,
      });
    }
  });

  it("ends a cancelled attempt as cancelled, whatever its worker says", async () => {
    await using scene = await openQueueScene({ on: database() });
    const endings: [string, object][] = [
      ["wait", { for: "github", resumeAt: "snapshot" }],
      ["release", {}],
      ["fail", { code: "clone", reason: "x", retryable: true }],
    ];
    for (const [rest, body] of endings) {
      const lease = await scene.lease();
      await cancel(scene, lease.ids.runId);
      expect((await scene.worker.say(lease, rest, body)).body).toEqual({ stage: "failed" });
      expect(await scene.job(lease.ids.runId)).toMatchObject({
        status: "failed",
        reason: "cancelled",
      });
    }
  });

  it("lets a run go on that waits for money, once the day leaves room", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { budgetMicroUsd: 600, dayBudgetMicroUsd: 1_000 },
    });
    const lease = await scene.lease();
    await scene.worker.say(lease, "spend/reserve", { requestId: randomUUID(), microUsd: 500 });
    await scene.worker.say(lease, "wait", { for: "budget", resumeAt: "agent" });
    await wakeBudgetWaits(scene.deps);
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      waiting_for: "budget",
      stage: "queued",
    });
    await asSystem(scene.db, (tx) =>
      sql`update fc.spend_reservations set created_at = now() - interval '25 hours'`.execute(tx),
    );
    await wakeBudgetWaits(scene.deps);
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      waiting_for: "worker",
      resume_at: "agent",
    });
  });

  it("wakes a run whose own ceiling is above the day's, once the whole day is free", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { budgetMicroUsd: 5_000, dayBudgetMicroUsd: 1_000 },
    });
    const lease = await scene.lease();
    await scene.worker.say(lease, "wait", { for: "budget", resumeAt: "agent" });
    await wakeBudgetWaits(scene.deps);
    expect((await scene.job(lease.ids.runId)).waiting_for).toBe("worker");
  });

  it("gives lost jobs back though another project's minutes are more than a date can hold", async () => {
    await using absurd = await openQueueScene({ on: database() });
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const [theirs, lease] = [await absurd.lease(), await scene.lease()];
    // Kept from a time without a limit: today it is refused where it comes in.
    await asSystem(absurd.db, (tx) =>
      sql`update fc.projects set settings = '{"budgetMinutes":1e12}' where id = ${absurd.projectId}`.execute(tx),
    );
    expect(() => runSettings.parse({ budgetMinutes: 1e12 })).toThrow("10080");
    await ageRun(absurd, theirs.ids.runId, 9 * day);
    await absurd.worker.say(theirs, "renew", { waitS: 0 });
    await ageRun(scene, lease.ids.runId, 40);
    await sweep(scene);
    expect((await scene.job(lease.ids.runId)).status).toBe("pending");
    // A week and its hour are over for theirs too.
    expect((await absurd.job(theirs.ids.runId)).reason).not.toBeNull();
  });

  it("expires nothing in its first seconds, then by itself", async () => {
    const figures = { sweepEverySeconds: 0.1, sweeperGraceSeconds: 1, backoffSeconds: 0 };
    await using scene = await openQueueScene({ on: database(), figures });
    const lease = await scene.lease();
    await ageRun(scene, lease.ids.runId, 40);
    const start = performance.now();
    const sweeper = startSweeper(scene.deps);
    await until(async () => (await scene.job(lease.ids.runId)).status === "pending");
    await sweeper.stop();
    expect(performance.now() - start).toBeGreaterThan(1_000);
  });
});

it("gives each lost job back once, though two replicas sweep at once", async () => {
  const figures = { sweepEverySeconds: 0.05, sweeperGraceSeconds: 0, backoffSeconds: 60 };
  await using scene = await openQueueScene({ figures, maxConcurrentRuns: 40 });
  await using second = openServer({ log: quietLog }, { url: scene.url ?? "", poolSize: 5 });
  await using other = await openTestApp({ on: { ...second, url: scene.url }, figures });
  const leases = [];
  for (let count = 0; count < 12; count += 1) leases.push(await scene.lease());
  const sweepers = [startSweeper(scene.deps), startSweeper(other.deps)];
  await asSystem(scene.db, (tx) =>
    sql`update fc.job_queue set lease_expires_at = now() - interval '1 second'`.execute(tx),
  );
  await until(async () => {
    const { rows } = await asSystem(scene.db, (tx) =>
      sql<{ left: number }>`select count(*)::int as left from fc.job_queue where status = 'processing'`.execute(tx),
    );
    return rows[0]?.left === 0;
  });
  await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
  for (const { ids } of leases) {
    const job = await scene.job(ids.runId);
    expect(job).toMatchObject({ status: "pending", attempt: 1, running_jobs: 0 });
    expect(job.events.filter((event) => event === "lease_lost")).toHaveLength(1);
  }
}, 60_000);

async function leaseAndPark(scene: QueueScene, wait: object) {
  const lease = await scene.lease();
  if ("for" in wait && wait.for === "approval") await scene.worker.say(lease, "events", collected());
  await scene.worker.say(lease, "wait", wait);
  return lease;
}
