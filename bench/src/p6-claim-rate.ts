import { makeDatabase } from "@feedback-chat/testing/make-database";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { bareSql, byVerbs, overHttp } from "./claim-ways.ts";
import { compare, type Figure } from "./figure.ts";
import { openBoss } from "./open-boss.ts";
import { openPool } from "./open-pool.ts";
import { openQueue, type Queue, serveQueue } from "./open-queue.ts";
import { forgetEffects, seedJobs, settleTables } from "./seed-queue.ts";

const workers = 8;
/** A slice ends after so many jobs, at the latest after so long: a thousand waiting stay about a thousand. */
const [sliceJobs, sliceMs] = [400, 1_000];
const rounds = 5;

export const bench: Bench = {
  name: "p6-claim-rate",
  about: "fenced claim + end per second, 8 workers, one run at a time per project",
  async *run({ isFull, tell }) {
    await using cluster = await startPostgres();
    await using opened = new AsyncDisposableStack();
    const sizes = isFull ? [1_000, 100_000, 1_000_000] : [1_000, 100_000];
    const scenes: Scene[] = [];
    const open = async (waiting: number, projects: number) => {
      tell(`seeding ${waiting} jobs of ${projects} projects, three times`);
      const scene = opened.use(await openScene(cluster.url, { waiting, projects }));
      scenes.push(scene);
      return scene;
    };
    for (const waiting of sizes) await open(waiting, 32);
    const wide = await open(10_000, 1_000);
    await alternate(scenes, tell);

    for (const scene of scenes) yield* figuresOf(scene);
    const [smallest, ...larger] = scenes;
    const grown = [...larger.filter((scene) => scene !== wide), wide];
    for (const { of, ours } of smallest ? grown : [])
      for (const way of ["verbs", "http", "bare"] as const)
        yield compare(
          { bench: `${of}, ${way}: growth`, unit: "jobs/s", baselineName: smallest?.of ?? "" },
          { ours: ours[way], baseline: smallest?.ours[way] ?? [] },
        );
  },
};

type Ways = Record<"verbs" | "http" | "bare", number[]>;
type Others = Record<"plain" | "limited", number[]>;

function* figuresOf({ of, ours, baseline: { plain, limited } }: Scene): Generator<Figure> {
  const unit = "jobs/s";
  const plainly = { unit, baselineName: "pg-boss fetch + complete by id" };
  yield compare({ bench: `${of}, bare SQL`, ...plainly }, { ours: ours.bare, baseline: plain });
  yield compare({ bench: `${of}, verbs`, ...plainly }, { ours: ours.verbs, baseline: plain });
  yield compare(
    { bench: `${of}, verbs`, unit, baselineName: "pg-boss, groupConcurrency 1" },
    { ours: ours.verbs, baseline: limited },
  );
  const bare = { unit, baselineName: "the same SQL bare" };
  yield compare({ bench: `${of}, verbs`, ...bare }, { ours: ours.verbs, baseline: ours.bare });
  yield compare({ bench: `${of}, over HTTP`, ...bare }, { ours: ours.http, baseline: ours.bare });
}

type Side = { rates: number[]; work: (worker: number) => Promise<void>; refill: Refill };
type Scene = AsyncDisposable & { of: string; ours: Ways; baseline: Others; sides: Side[] };

/** One size of the queue, ours twice (its server delivers what ended jobs cause) and pg-boss's. */
async function openScene(
  clusterUrl: string,
  { waiting, projects }: { waiting: number; projects: number },
): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const direct = opened.use(await openQueue(clusterUrl, { projects, workers }));
  const served = opened.use(await openQueue(clusterUrl, { projects, workers }));
  const bossDatabase = opened.use(await makeDatabase(clusterUrl));
  const boss = opened.use(await openBoss(bossDatabase.url, { projects, workers }));
  for (const queue of [direct, served]) {
    await seedJobs(queue.owner, { workspaceId: queue.workspaceId, count: waiting });
    await settleTables(queue.owner);
  }
  await boss.seed(waiting);
  await boss.settle();
  const server = opened.use(await serveQueue(served));
  const pool = opened.use(openPool(direct.url, workers));

  const ours: Ways = { verbs: [], http: [], bare: [] };
  const baseline: Others = { plain: [], limited: [] };
  const sides = [
    { rates: ours.verbs, work: byVerbs(direct), refill: refillOf(direct) },
    { rates: baseline.plain, work: boss.work, refill: boss.seed },
    { rates: ours.http, work: overHttp(served, server.url), refill: refillOf(served) },
    { rates: ours.bare, work: bareSql(direct, pool), refill: refillOf(direct) },
    { rates: baseline.limited, work: boss.workLimited, refill: boss.seed },
  ];
  const owned = opened.move();
  const of = `P6 ${waiting} waiting, ${projects} projects`;
  return { of, ours, baseline, sides, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** All sides of all sizes in each round: what else the machine does meets them alike. */
async function alternate(scenes: readonly Scene[], tell: (text: string) => void): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const { sides } of scenes) {
      for (const { rates, work, refill } of sides) {
        const { jobs, rate } = await slice(work);
        if (round > 0) rates.push(rate); // the first one warms up
        await refill(jobs);
      }
    }
    tell(`round ${round}/${rounds}`);
  }
}

type Refill = (count: number) => Promise<void>;

function refillOf({ owner, workspaceId }: Queue): Refill {
  return async (count) => {
    await forgetEffects(owner);
    await seedJobs(owner, { workspaceId, count });
  };
}

/** Eight workers, each one job after the other. */
async function slice(work: (worker: number) => Promise<void>): Promise<{ jobs: number; rate: number }> {
  let jobs = 0;
  const startMs = performance.now();
  const isOver = () => jobs >= sliceJobs || performance.now() - startMs > sliceMs;
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (!isOver()) {
        jobs += 1;
        await work(worker);
      }
    }),
  );
  return { jobs, rate: (jobs * 1_000) / (performance.now() - startMs) };
}
