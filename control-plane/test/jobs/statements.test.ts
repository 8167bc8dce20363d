import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asWorkspace } from "../../src/platform/as-tenant.ts";
import { countStatements } from "../support/count-statements.ts";
import { openQueueScene, type QueueScene } from "../support/queue-scene.ts";
import { seedRun } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";
import { until } from "../support/until.ts";

const database = shareDatabase("server");
const open = () => openQueueScene({ on: database(), maxConcurrentRuns: 100 });
const line = () => ({ at: new Date().toISOString(), level: "info", message: "One line." });
const giveUp = { code: "clone", reason: "No route.", retryable: false };
const declined = { outcome: { kind: "declined", reason: "no" } };
type Asked = { rest: string; body?: object; before?: { rest: string; body: object } };

const began = { rest: "events", body: { eventId: randomUUID(), event: "phase_started", phase: "agent" } };
/** Who calls and whose the job is, the transaction's begin, its end, and so many between. */
const verbs: [string, number, Asked][] = [
  ["renew", 4, { rest: "renew", body: { waitS: 0 } }],
  ["events", 5, began],
  ["events, when said again", 9, { ...began, before: began }],
  ["logs", 5, { rest: "logs", body: { offset: 0, lines: [line(), line()] } }],
  ["fail", 5, { rest: "fail", body: giveUp }],
  ["complete", 5, { rest: "complete", body: declined }],
  ["release", 5, { rest: "release" }],
];

async function counted(work: () => Promise<unknown>): Promise<number> {
  using counting = countStatements(database());
  await work();
  expect(counting.seen.some((text) => text.startsWith("begin"))).toBe(true); // it did count
  return counting.seen.length;
}

async function leased(scene: QueueScene, { before }: Asked) {
  const lease = await scene.lease();
  if (before) expect((await scene.worker.say(lease, before.rest, before.body)).status).toBe(200);
  return lease;
}

describe("the round trips to the database", () => {
  it.each(verbs)("of %s are at most %i", async (_name, atMost, asked) => {
    await using scene = await open();
    const lease = await leased(scene, asked);
    let status = 0;
    const count = await counted(async () => {
      ({ status } = await scene.worker.say(lease, asked.rest, asked.body ?? {}));
    });
    expect(status).toBe(200);
    expect(count).toBeLessThanOrEqual(atMost);
  });

  it("of a claim that is given a job are at most 7, of one that finds nothing too", async () => {
    await using scene = await open();
    await seedRun(scene.db, { projectId: scene.projectId });
    expect(await counted(() => scene.worker.claim())).toBeLessThanOrEqual(7);
    expect(await counted(() => scene.worker.claim())).toBeLessThanOrEqual(7);
  });

  it("for one job are made by two of 8 workers that wait: who takes it, and the next in line", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { sweepEverySeconds: 100 } });
    const workers = await Promise.all(Array.from({ length: 8 }, (_, n) => scene.addWorker(`w${n}`)));
    using counting = countStatements(database());
    const looks = () => counting.seen.filter((text) => text.includes("update fc.workers set last_seen_at")).length;
    const claims = workers.map((worker) => worker.claim(3));
    const begun = () => counting.seen.filter((text) => text === "commit").length;
    await until(async () => looks() === 8 && begun() >= 8);
    await seedRun(scene.db, { projectId: scene.projectId });
    const first = await Promise.race(claims);
    expect(first.lease).not.toBeNull();
    expect(looks() - 8).toBeLessThanOrEqual(2);
    const rest = (await Promise.all(claims)).filter(({ lease }) => lease !== null);
    expect(rest).toHaveLength(1);
  });

  it("bring a job to each of 4 workers that wait when one word tells of all of them", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { sweepEverySeconds: 100 } });
    const workers = await Promise.all(Array.from({ length: 4 }, (_, n) => scene.addWorker(`w${n}`)));
    using counting = countStatements(database());
    const setPaused = (isPaused: boolean) =>
      asWorkspace(scene.db, scene.workspaceId, (tx) =>
        sql`with changed as (update fc.projects set is_paused = ${isPaused} where id = ${scene.projectId})
          select pg_notify('fc_jobs', ${scene.workspaceId})`.execute(tx),
      );
    await setPaused(true);
    const claims = workers.map((worker) => worker.claim(10));
    await until(async () => counting.seen.filter((text) => text === "commit").length >= 4);
    for (let n = 0; n < 4; n += 1) await seedRun(scene.db, { projectId: scene.projectId });
    await setPaused(false);
    const given = (await Promise.all(claims)).map(({ lease }) => lease?.jobId);
    expect(new Set(given).size).toBe(4);
    expect(given).not.toContain(undefined);
  });
});
