import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { idOf } from "@feedback-chat/protocol/ids";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { shareDatabase } from "../support/share-database.ts";
import { openQueueScene } from "../support/queue-scene.ts";
import { seedKey, seedProject, seedRun, seedWorkspace } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { until } from "../support/until.ts";

describe.each(kinds)("claiming on %s", (kind) => {
  const database = shareDatabase(kind);

  it("hands out the frozen snapshot, the settings and the one branch, and moves the run", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { publish: "auto", maxTurns: 7 },
    });
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: 12 });
    const { lease } = await scene.worker.claim();
    expect(lease).toMatchObject({
      attempt: 1,
      job: {
        issueNumber: 12,
        resumeAt: "snapshot",
        origin: "public",
        repository: {
          id: 4711,
          cloneUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/acme\/.*\.git$/),
          apiUrl: scene.deps.config.githubApiUrl,
        },
        settings: { publish: "auto", maxTurns: 7, budgetMicroUsd: 2_000_000 },
        snapshot: { title: "The total is wrong", labels: ["feedback-bot", "auto-implement"] },
        question: null,
        artifacts: [],
        used: { costMicroUsd: 0, inputTokens: 0, outputTokens: 0, agentMs: 0, turns: 0 },
      },
    });
    expect(lease?.job.branch).toMatch(/^feedback\/issue-12-[a-z0-9]+$/);
    expect(await scene.job(runId)).toMatchObject({
      status: "processing",
      stage: "running",
      waiting_for: null,
      running_jobs: 1,
    });
  });

  it("tells the next attempt what the run has used: settled or still open, and the agent's time until it was lost", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const { runId } = lease.ids;
    const reserve = async () => {
      const { body } = await scene.worker.say(lease, "spend/reserve", { requestId: randomUUID(), microUsd: 1_000 });
      return body["reservationId"];
    };
    const tokens = { input: 90, output: 9 };
    await scene.worker.say(lease, "spend/settle", { reservationId: await reserve(), microUsd: 700, tokens });
    // The model was busy, and nothing was paid; then one whose answer never came.
    const none = { input: 0, output: 0 };
    await scene.worker.say(lease, "spend/settle", { reservationId: await reserve(), microUsd: 0, tokens: none });
    await reserve();
    // What was told stays as it was told: an agent that began 7 minutes ago is told now.
    await asSystem(scene.db, (tx) =>
      sql`
        with run as (update fc.pipeline_runs set next_seq = next_seq + 1 where id = ${runId} returning project_id, next_seq - 1 as seq),
          project as (update fc.projects p set next_seq = p.next_seq + 1 from run where p.id = run.project_id returning p.next_seq - 1 as seq)
        insert into fc.run_events (run_id, seq, project_id, project_seq, from_stage, event, to_stage, phase, attempt, actor, created_at)
        select ${runId}, run.seq, run.project_id, project.seq, 'running', 'phase_started', 'running', 'agent', 1, '{"kind":"worker","id":null}',
          now() - interval '7 minutes' from run, project`.execute(tx),
    );
    await scene.worker.say(lease, "release");
    const { lease: again } = await scene.worker.claim();
    expect(again).toMatchObject({ runId: lease.runId, attempt: 2 });
    expect(again?.job.used).toMatchObject({ costMicroUsd: 1_700, inputTokens: 90, outputTokens: 9, turns: 2 });
    expect(Math.round((again?.job.used.agentMs ?? 0) / 60_000)).toBe(7);
  });

  it("answers a repeated claimId with the same lease and no new attempt, also twice at once", async () => {
    await using scene = await openQueueScene({ on: database() });
    await seedRun(scene.db, { projectId: scene.projectId });
    await seedRun(scene.db, { projectId: scene.projectId });
    const claimId = randomUUID();
    const both = await Promise.all([scene.worker.claim(0, claimId), scene.worker.claim(0, claimId)]);
    const again = await scene.worker.claim(0, claimId);
    expect(new Set([...both, again].map(({ lease }) => `${lease?.jobId} ${lease?.attempt} ${lease?.token}`)).size).toBe(
      1,
    );
    expect(again.lease?.attempt).toBe(1);
    if (again.lease)
      await scene.worker.say(again.lease, "fail", {
        code: "clone",
        reason: "gone",
        retryable: false,
      });
    const startedMs = performance.now();
    expect((await scene.worker.claim(20, claimId)).lease, "its lease is over").toBeNull();
    expect(performance.now() - startedMs, "answered at once, not after its wait").toBeLessThan(10_000);
  });

  it("takes a claimId that another worker has used for a claim of its own", async () => {
    await using scene = await openQueueScene({ on: database() });
    const other = await scene.addWorker("other");
    const claimId = randomUUID();
    await scene.lease();
    const [first, second] = [await seedRun(scene.db, scene), await seedRun(scene.db, scene)];
    const { lease: taken } = await scene.worker.claim(0, claimId);
    const { lease } = await other.claim(0, claimId);
    expect([taken?.runId, lease?.runId]).toEqual([first.runId, second.runId].map((id) => idOf("run", id)));
  });

  it("takes by priority, then by age, and keeps the project's limit", async () => {
    await using scene = await openQueueScene({ on: database(), maxConcurrentRuns: 2 });
    const { db, projectId } = scene;
    const [free, pro, team] = [
      await seedRun(db, { projectId, priority: 10 }),
      await seedRun(db, { projectId, priority: 5 }),
      await seedRun(db, { projectId, priority: 1 }),
    ];
    const [first, second, third] = [await scene.worker.claim(), await scene.worker.claim(), await scene.worker.claim()];
    const order = [first, second].map(({ lease }) => lease?.job.issueNumber);
    expect(order).toEqual([team.issueNumber, pro.issueNumber]);
    expect(third.lease).toBeNull();
    if (first.lease)
      await scene.worker.say(first.lease, "complete", {
        outcome: { kind: "declined", reason: "no" },
      });
    expect((await scene.worker.claim()).lease?.job.issueNumber).toBe(free.issueNumber);
  });

  it("waits for a job, and has it as soon as it is there", async () => {
    await using scene = await openQueueScene({ on: database() });
    const waiting = scene.worker.claim(20);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId });
    const start = performance.now();
    const { lease } = await waiting;
    expect(lease).not.toBeNull();
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await scene.job(runId)).attempt).toBe(1);
  });

  it("case 23: gives nothing to a key that was revoked while its claim waited", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { sweepEverySeconds: 0.2 } });
    const claiming = scene.worker.call("POST", "/v1/jobs/claim", {
      workerId: scene.worker.workerId,
      claimId: randomUUID(),
      waitS: 20,
    });
    const seen = () =>
      asSystem(scene.db, (tx) =>
        sql`select from fc.workers where last_seen_at > created_at and workspace_id = ${scene.workspaceId}`.execute(tx),
      );
    await until(async () => (await seen()).rows.length > 0);
    await asSystem(scene.db, (tx) =>
      sql`update fc.api_keys set revoked_at = now() where workspace_id = ${scene.workspaceId}`.execute(tx),
    );
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId });
    expect((await claiming).body["code"]).toBe("unauthenticated");
    expect((await scene.job(runId)).status).toBe("pending");
  });

  it("skips paused projects, and everything while the instance is paused", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { db, projectId } = scene;
    await seedRun(db, { projectId });
    const set = (statement: string) => asSystem(db, (tx) => sql.raw(statement).execute(tx));
    await set(`update fc.projects set is_paused = true where id = '${projectId}'`);
    expect((await scene.worker.claim()).lease).toBeNull();
    await set(`update fc.projects set is_paused = false where id = '${projectId}'`);
    await set("update fc.instance set is_paused = true");
    expect((await scene.worker.claim()).lease).toBeNull();
    await set("update fc.instance set is_paused = false");
    expect((await scene.worker.claim()).lease).not.toBeNull();
  });

  it("gives nothing of another workspace, and knows no worker of another workspace", async () => {
    await using scene = await openQueueScene({ on: database() });
    await seedRun(scene.db, { projectId: scene.projectId });
    const workspaceId = await seedWorkspace(scene.db, "Other");
    await seedProject(scene.db, { workspaceId });
    const { key } = await seedKey(scene.db, { kind: "worker", workspaceId });
    const other = await openTestWorker(scene.app, key);
    expect((await other.claim()).lease).toBeNull();
    const foreign = await other.call("POST", "/v1/jobs/claim", {
      workerId: scene.worker.workerId,
      claimId: randomUUID(),
    });
    expect(foreign).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("refuses a worker two minor versions behind, and tells the version to install", async () => {
    await using scene = await openQueueScene({ on: database() });
    await asSystem(scene.db, (tx) =>
      sql`update fc.workers set version = '7.3.0' where workspace_id = ${scene.workspaceId}`.execute(tx),
    );
    const answer = await scene.worker.call("POST", "/v1/jobs/claim", {
      workerId: scene.worker.workerId,
      claimId: randomUUID(),
    });
    expect(answer).toMatchObject({
      status: 426,
      body: { code: "upgrade_required", serverVersion: expect.any(String) },
    });
  });
});
