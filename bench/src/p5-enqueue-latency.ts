import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { systemActor } from "@feedback-chat/protocol/actor";
import type { Lease } from "@feedback-chat/protocol/worker";
import { newUuid } from "../../packages/agent/src/platform/new-id.ts";
import { advanceRun } from "../../control-plane/src/jobs/advance-run.ts";
import { enqueueRun } from "../../control-plane/src/jobs/enqueue-run.ts";
import { unparkJob } from "../../control-plane/src/jobs/unpark-job.ts";
import { asProject } from "../../control-plane/src/platform/as-tenant.ts";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openBell } from "./open-bell.ts";
import { openQueue, type Queue, serveQueue } from "./open-queue.ts";
import { queueClient } from "./queue-client.ts";
import { percentile } from "./statistics.ts";

const samples = 100;
const warmUp = 10;
/** Every waiting worker looks once when a job ends: the next sample begins when that is over. */
const quietMs = 150;

export const bench: Bench = {
  name: "p5-enqueue-latency",
  about: "commit of an enqueued job to its lease in a waiting worker's hand (HTTP long poll)",
  async *run({ tell }) {
    await using cluster = await startPostgres();
    const first: { ours?: number[] } = {};
    for (const waiting of [1, 8, 32]) {
      const { ours, baseline } = await measure(cluster.url, waiting);
      tell(`${waiting} waiting: done`);
      const of = { unit: "ms", baselineName: "LISTEN/NOTIFY round trip" };
      const sides = { ours, baseline };
      yield compare({ bench: `P5 p50, ${waiting} waiting`, ...of }, sides);
      yield compare({ bench: `P5 p99, ${waiting} waiting`, ...of }, sides, (all) => percentile(all, 0.99));
      if (first.ours)
        yield compare(
          {
            bench: `P5 growth of p50, ${waiting} waiting`,
            unit: "ms",
            baselineName: "with 1 waiting",
          },
          { ours, baseline: first.ours },
        );
      else first.ours = ours;
    }
  },
};

async function measure(clusterUrl: string, waiting: number) {
  await using queue = await openQueue(clusterUrl, { projects: 1, workers: waiting });
  await using server = await serveQueue(queue);
  await using workers = startWorkers(queue, server.url);
  await using bell = await openBell(queue.url, waiting);
  const ours: number[] = [];
  const baseline: number[] = [];
  for (let n = 0; n < warmUp + samples; n += 1) {
    await pause(quietMs);
    const inHand = workers.next();
    const committedMs = await enqueue(queue, n + 1);
    const tookMs = (await inHand) - committedMs;
    await pause(quietMs);
    const rangMs = await bell.ring();
    if (n < warmUp) continue;
    ours.push(tookMs);
    baseline.push(rangMs);
  }
  return { ours, baseline };
}

/** As the webhook and the gate do it, in another process than the server. @returns when its commit was sent. */
async function enqueue({ deps, projectIds }: Queue, number: number): Promise<number> {
  const projectId = projectIds[0] ?? "";
  return asProject(deps.db, projectId, async (tx) => {
    const made = await enqueueRun(tx, { newId: newUuid }, {
      projectId,
      issue: {
        number, title: "The total is wrong", body: "With two items the cart shows one.",
        labels: ["feedback-bot", "auto-implement"], author: "reporter", url: `https://github.com/acme/shop/issues/${number}`,
        updatedAt: new Date().toISOString(), hasFeedbackLabel: true,
      },
      source: "webhook",
      triggeredBy: "reporter",
      branchSuffix: randomBytes(6).toString("hex"),
    }); // prettier-ignore
    if (!made) throw new Error("The issue has a job already.");
    await unparkJob(tx, made.runId, { resumeAt: "snapshot" });
    await advanceRun(tx, made.runId, {
      event: "unparked",
      actor: systemActor,
      attempt: 0,
      waitingFor: "worker",
    });
    return performance.now();
  });
}

/** Workers that wait for ever; `next` resolves with the time at which one of them had the next lease. */
function startWorkers(queue: Queue, url: string) {
  const stopping = new AbortController();
  let told = Promise.withResolvers<number>();
  async function work(workerId: string): Promise<void> {
    const client = queueClient(url, queue.key, workerId);
    while (!stopping.signal.aborted) {
      const lease = await client.claim(50, stopping.signal).catch(unlessStopped);
      if (!lease) continue;
      const inHandMs = performance.now();
      await client.finish(lease as Lease);
      told.resolve(inHandMs);
    }
  }
  const unlessStopped = (error: unknown) => {
    if (!stopping.signal.aborted) throw error;
    return null;
  };
  const working = Promise.all(queue.workerIds.map(work));
  working.catch(told.reject);
  return {
    next() {
      told = Promise.withResolvers();
      return told.promise;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await working;
    },
  };
}
