import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { startSweeper } from "../../src/jobs/start-sweeper.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { openServer } from "../../src/platform/open-server.ts";
import { quietLog } from "../support/open-test-database.ts";
import { openQueueScene } from "../support/queue-scene.ts";
import { openRestartablePostgres } from "../support/restart-postgres.ts";
import { until } from "../support/until.ts";

describe("a restart of the database", () => {
  it("case 16: Postgres restarted under 3 running jobs: none is requeued, none is lost", async () => {
    await using cluster = await openRestartablePostgres();
    await using database = openServer({ log: quietLog }, { url: cluster.url, poolSize: 10 });
    await migrate(database.db);
    const figures = { sweepEverySeconds: 0.1, sweeperGraceSeconds: 2, backoffSeconds: 0 };
    await using scene = await openQueueScene({ on: { ...database, url: cluster.url }, figures });
    const leases = [await scene.lease(), await scene.lease(), await scene.lease()];
    const sweeper = startSweeper(scene.deps);
    const started = performance.now();
    // Past the sweeper's own first seconds: now only the restart protects the leases.
    await until(async () => performance.now() - started > 2_200);
    const renewing = scene.worker.say(leases[0] ?? fail(), "renew", { waitS: 10 });
    cluster.restart();
    const statusOf = () =>
      asSystem(scene.db, (tx) => sql<{ status: string }>`select status from fc.job_queue`.execute(tx));
    const expired = await until(() =>
      // As if the database had been away for longer than a lease.
      asSystem(scene.db, (tx) =>
        sql`update fc.job_queue set lease_expires_at = now() - interval '1 second'`.execute(tx),
      ).catch(onlyLostConnections),
    );
    expect(expired.numAffectedRows).toBe(3n);
    const backMs = performance.now();
    await until(async () => {
      const { rows } = await statusOf();
      expect(rows.map(({ status }) => status)).toEqual(["processing", "processing", "processing"]);
      return performance.now() - backMs > 1_000;
    });
    for (const lease of leases) {
      await until(async () => (await scene.worker.say(lease, "renew")).status === 200);
      expect((await scene.job(lease.ids.runId)).attempt).toBe(1);
    }
    expect([200, 503]).toContain((await renewing).status);
    const [first, second, third] = leases;
    for (const lease of [first, second])
      expect(
        (
          await scene.worker.say(lease ?? fail(), "complete", {
            outcome: { kind: "declined", reason: "no" },
          })
        ).status,
      ).toBe(200);
    // What nobody renews is given back all the same, later.
    await asSystem(scene.db, (tx) =>
      sql`update fc.job_queue set lease_expires_at = now() where status = 'processing'`.execute(tx),
    );
    await until(async () => (await scene.job((third ?? fail()).ids.runId)).status === "pending");
    await sweeper.stop();
    // A claim that waits hears of a new job again: the listener came back.
    const waiting = scene.worker.claim(20);
    expect((await waiting).lease).toMatchObject({ jobId: third?.jobId, attempt: 2 });
  }, 60_000);
});

function fail(): never {
  throw new Error("The scene gave no lease.");
}

function onlyLostConnections(error: unknown): null {
  if (/terminat|ECONNREFUSED|ECONNRESET|starting up|shutting down|recovery/i.test(String(error))) return null;
  throw error;
}
