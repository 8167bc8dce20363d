import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { unparkJob } from "../../src/jobs/unpark-job.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { shareDatabase } from "../support/share-database.ts";
import { openQueueScene } from "../support/queue-scene.ts";

const declined = { outcome: { kind: "declined", reason: "no" } };
const collected = () => ({ eventId: randomUUID(), event: "collected", phase: "collect" });

describe.each(kinds)("ending an attempt on %s", (kind) => {
  const database = shareDatabase(kind);

  it("gives the same 200 to the same ending, also after others took the job, and already_final to another", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const lease = await scene.lease();
    const failing = { code: "clone", reason: "the network is down", retryable: true };
    const first = await scene.worker.say(lease, "fail", failing);
    expect(first).toMatchObject({ status: 200, body: { stage: "queued" } });
    const { lease: next } = await scene.worker.claim();
    expect(next?.attempt).toBe(2);
    expect(await scene.worker.say(lease, "fail", failing)).toEqual(first);
    expect((await scene.worker.say(lease, "fail", { ...failing, code: "deps" })).body["code"]).toBe("already_final");
    expect((await scene.worker.say(lease, "complete", declined)).body["code"]).toBe("already_final");
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      status: "processing",
      running_jobs: 1,
    });
  });

  it("gives the same 200 to a repeated wait, also after the job was unparked", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const waiting = { for: "budget", reason: "the day is spent", resumeAt: "snapshot" };
    const first = await scene.worker.say(lease, "wait", waiting);
    expect(first.status).toBe(200);
    expect(await asSystem(scene.db, (tx) => unparkJob(tx, lease.ids.runId, {}))).toBe(true);
    expect(await scene.worker.say(lease, "wait", waiting)).toEqual(first);
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      status: "pending",
      run_at_seconds: expect.any(Number) as number,
    });
  });

  it("takes two equal endings at once for one", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const both = await Promise.all([
      scene.worker.say(lease, "complete", declined),
      scene.worker.say(lease, "complete", declined),
    ]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const job = await scene.job(lease.ids.runId);
    expect(job).toMatchObject({ status: "done", stage: "rejected", running_jobs: 0 });
    expect(job.events.filter((event) => event === "declined")).toHaveLength(1);
  });

  it("rests a failed attempt longer each time, and obeys the time that the worker names", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    await scene.worker.say(lease, "fail", { code: "clone", reason: "down", retryable: true });
    const rested = await scene.job(lease.ids.runId);
    expect(rested.run_at_seconds).toBeGreaterThan(3.5);
    expect(rested.run_at_seconds).toBeLessThanOrEqual(6);
    const other = await scene.lease();
    await scene.worker.say(other, "fail", {
      code: "model_unavailable",
      reason: "529",
      retryable: true,
      retryAfterS: 600,
    });
    expect((await scene.job(other.ids.runId)).run_at_seconds).toBeGreaterThan(590);
  });

  it("fails for good when it is not worth another attempt, with the worker's reason", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    await scene.worker.say(lease, "fail", {
      code: "bad_output",
      reason: "a symlink",
      retryable: false,
    });
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      status: "failed",
      stage: "failed",
      reason: "bad_output",
      running_jobs: 0,
    });
  });

  it("takes words that were cut inside an emoji, or that hold a NUL", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const reason = `The check said:\0 ${"🛒".slice(0, 1)}`;
    const event = { eventId: randomUUID(), event: "phase_started", phase: "clone", detail: reason };
    expect((await scene.worker.say(lease, "events", event)).status).toBe(200);
    const failure = { code: "bad_output", reason, retryable: false };
    for (const time of ["first", "again"])
      expect((await scene.worker.say(lease, "fail", failure)).body, time).toEqual({ stage: "failed" });
  });

  it("parks a question once, and keeps its words", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const asked = await scene.worker.say(lease, "wait", {
      for: "reporter",
      question: "Which cart?",
      resumeAt: "agent",
    });
    expect(asked.body).toEqual({ stage: "queued" });
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      status: "pending", run_at_seconds: null, waiting_for: "reporter", resume_at: "agent", max_attempts: 4, running_jobs: 0,
    }); // prettier-ignore
    expect((await scene.worker.claim()).lease).toBeNull();
  });

  it("keeps of a question one plain line without what looks like a secret, whatever its worker left in", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const question = `Which\n\u001b[31mcart\u202e? The key is sk-ant-api03-${"x".repeat(95)}`;
    const body = { for: "reporter", question, resumeAt: "agent" };
    for (const time of ["first", "again"])
      expect((await scene.worker.say(lease, "wait", body)).body, time).toEqual({ stage: "queued" });
    const { rows } = await asSystem(scene.db, (tx) =>
      sql<{ question: string; comment: string }>`
        select r.question, o.payload ->> 'body' as comment from fc.pipeline_runs r join fc.outbox o on o.run_id = r.id
        where r.id = ${lease.ids.runId} and o.kind = 'issue_comment'`.execute(tx),
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.question).toBe("Which cart? The key is [redacted: Anthropic key]");
    expect(JSON.stringify(rows)).not.toContain("xxxxx");
  });

  it("parks for GitHub until the time that GitHub named", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    await scene.worker.say(lease, "wait", {
      for: "github",
      untilSeconds: 120,
      resumeAt: "snapshot",
    });
    const job = await scene.job(lease.ids.runId);
    expect(job).toMatchObject({ status: "pending", waiting_for: "github", stage: "queued" });
    expect(job.run_at_seconds).toBeGreaterThan(110);
  });

  it("holds in validating for an approval, and refuses to hold what was not collected", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const holding = {
      for: "approval",
      reason: "The words came from the public.",
      resumeAt: "publish",
    };
    expect((await scene.worker.say(lease, "wait", holding)).body["code"]).toBe("invalid_transition");
    await scene.worker.say(lease, "events", collected());
    expect((await scene.worker.say(lease, "wait", holding)).body).toEqual({ stage: "validating" });
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      waiting_for: "approval",
      resume_at: "publish",
      run_at_seconds: null,
    });
  });

  it("takes an event once, whatever is repeated", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const event = collected();
    const [first, again] = [
      await scene.worker.say(lease, "events", event),
      await scene.worker.say(lease, "events", event),
    ];
    expect(first).toEqual(again);
    expect(first.body["stage"]).toBe("validating");
    const fix = (eventId: string) => scene.worker.say(lease, "events", { eventId, event: "fix_round", phase: "agent" });
    expect((await fix(randomUUID())).body["stage"]).toBe("running");
    await scene.worker.say(lease, "events", collected());
    expect((await fix(randomUUID())).body["code"]).toBe("invalid_transition");
  });
});
