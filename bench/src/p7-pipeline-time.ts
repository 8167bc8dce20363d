import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openWorld, type World } from "@feedback-chat/testing/open-world";
import { startPostgres } from "../../scripts/postgres.ts";
import { alternate } from "./alternate.ts";
import { type BareJob, bareJob } from "./bare-job.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openOwner } from "./seed-queue.ts";
import { treeBytes, watchMemory } from "./watch-memory.ts";

const rounds = { warm: 7, cold: 3, memory: 2, batches: 2 };
const [batchJobs, concurrency] = [6, 2];
const megabyte = 1024 ** 2;
const baselineName = "clone + engine bare + checks twice + push";

export const bench: Bench = {
  name: "p7-pipeline-time",
  about: "webhook sent to pull request open: real engine and sandbox, scripted model, publish auto",
  async *run({ tell }) {
    await using cluster = await startPostgres();
    const bare: BareJob = { enginePath: enginePath(), running: new Set() };
    await using world = await openWorld({
      databaseUrl: cluster.url,
      settings: { publish: "auto" },
      enginePath: bare.enginePath,
      figuresScale: 1,
      concurrency,
    });
    await world.startWorker();
    tell("one job of each to warm up");
    await ourJobs(world, 1);
    await untilIdle(world);
    await bareJob(world, bare);

    const after = () => untilIdle(world);
    const baseline = { work: () => bareJob(world, bare) };
    const warm = await alternate(rounds.warm, {
      ours: { work: () => ourJobs(world, 1), after },
      baseline,
    });
    yield compare({ bench: "P7 warm clone", unit: "s", baselineName }, warm);
    tell(await phasesOf(world));

    const mirrors = join(world.folder, "worker", "mirrors");
    const afterCold = async () => {
      await after();
      rmSync(mirrors, { recursive: true });
    };
    rmSync(mirrors, { recursive: true });
    const cold = await alternate(rounds.cold, {
      ours: { work: () => ourJobs(world, 1), after: afterCold },
      baseline,
    });
    yield compare({ bench: "P7 cold clone", unit: "s", baselineName }, cold);

    const memory = await memories(world, bare);
    yield compare({ bench: "P7 memory of a job", unit: "MB", baselineName }, memory);

    await allowConcurrency(world);
    const batches = await alternate(rounds.batches, {
      ours: { work: () => ourJobs(world, batchJobs), after },
      baseline: { work: () => bareBatch(world, bare) },
    });
    const perSecond = (seconds: number[]) => seconds.map((each) => batchJobs / each);
    yield compare(
      { bench: `P7 jobs, ${concurrency} at once`, unit: "jobs/s", baselineName },
      { ours: perSecond(batches.ours), baseline: perSecond(batches.baseline) },
    );
  },
};

function enginePath(): string {
  const inAgent = createRequire(import.meta.resolve("@feedback-chat/agent/package.json"));
  const manifest = inAgent.resolve("@anthropic-ai/claude-code/package.json");
  return join(dirname(manifest), "bin", "claude.exe"); // its name on every system
}

/** Until GitHub has another pull request for each issue. */
async function ourJobs(world: World, count: number): Promise<void> {
  const pulls = () => world.github.lookAt("acme/shop").pulls.length;
  const wanted = pulls() + count;
  for (let opened = 0; opened < count; opened += 1) world.openIssue();
  while (pulls() < wanted) await pause(5);
}

/** The run itself is over a moment after its pull request is there: that must not reach into the next measurement. */
async function untilIdle(world: World): Promise<void> {
  while ((await world.runs()).some(({ stage }) => stage !== "preview_ready")) await pause(50);
}

/** Each its share of the batch, as many at once as the worker has. */
async function bareBatch(world: World, bare: BareJob): Promise<void> {
  const share = batchJobs / concurrency;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let done = 0; done < share; done += 1) await bareJob(world, bare);
    }),
  );
}

/** Apart from the timed rounds: looking at memory costs time. What the worker needs at rest is not the job's. */
async function memories(world: World, bare: BareJob) {
  const megabytes: Record<"ours" | "baseline", number[]> = { ours: [], baseline: [] };
  const workerPid = world.programs.worker?.pid ?? 0;
  for (let round = 0; round < rounds.memory; round += 1) {
    const restBytes = treeBytes([workerPid]);
    const ours = watchMemory(() => [workerPid]);
    await ourJobs(world, 1);
    megabytes.ours.push(((await ours.stop()) - restBytes) / megabyte);
    await untilIdle(world);
    const theirs = watchMemory(() => [...bare.running]);
    await bareJob(world, bare);
    megabytes.baseline.push((await theirs.stop()) / megabyte);
  }
  return megabytes;
}

async function allowConcurrency({ databaseUrl = "" }: World): Promise<void> {
  await using owner = await openOwner(databaseUrl);
  await owner.query("update fc.projects set max_concurrent_runs = $1", [concurrency]);
}

/** Where the time of the newest run went, by its own events. */
async function phasesOf(world: World): Promise<string> {
  const [newest] = await world.runs();
  const { timeline } = await world.runOf(newest?.id ?? "");
  const startMs = Date.parse(timeline[0]?.at ?? "");
  const said = timeline.map(({ event, phase, at }) => `${event} ${phase ?? ""} +${Date.parse(at) - startMs} ms`);
  return said.join(", ");
}
