import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { idOf } from "@feedback-chat/protocol/ids";
import { makeDatabase } from "@feedback-chat/testing/make-database";
import { startProgram } from "@feedback-chat/testing/start-program";
import { openSealing } from "../../control-plane/src/platform/open-sealing.ts";
import { sealWebhookSecret } from "../../control-plane/src/projects/webhook-secrets.ts";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { type LoadSeen, startDeliveryLoad, type Target } from "./delivery-load.ts";
import { compare, type Figure } from "./figure.ts";
import { openQueue, type Queue, serveQueue } from "./open-queue.ts";
import { percentile } from "./statistics.ts";

const projects = 100;
const secret = "it's a Secret to Everybody";
const rates = [50, 100, 200];
/** The two sides take turns of so many seconds. */
const sliceSeconds = 10;
/** Above it a rate is too high. */
const mostP99Ms = 100;
const baselineName = "a bare Hono route that inserts one row in one transaction";

export const bench: Bench = {
  name: "p4-webhook-rate",
  about: "a delivery of GitHub to its durable job: latency at fixed rates, and the highest rate with p99 below 100 ms",
  async *run(context) {
    await using cluster = await startPostgres();
    await using sides = await openSides(cluster.url);
    const first: Partial<Taken> = {};
    await atRate(sides, 50, 5); // warms up
    for (const rate of rates) {
      const seconds = rate === 200 ? mainSeconds(context) : sliceSeconds;
      const taken = await atRate(sides, rate, seconds);
      context.tell(`${rate}/s: done, ${taken.failed.ours} of ours and ${taken.failed.baseline} of the baseline's failed`);
      // Of those that were answered alone a latency would mean nothing.
      if (taken.failed.ours + taken.failed.baseline > 0) break;
      yield* figuresAt(rate, taken);
      if (first.ours)
        yield compare(
          { bench: `P4 growth of p99, ${rate}/s`, unit: "ms", baselineName: `at ${rates[0]}/s` },
          { ours: taken.ours, baseline: first.ours },
          p99,
        );
      else Object.assign(first, taken);
    }
    const highest = await highestRates(sides, context);
    yield compare(
      { bench: `P4 highest rate, p99 < ${mostP99Ms} ms`, unit: "deliveries/s", baselineName },
      { ours: [highest.ours], baseline: [highest.baseline] },
    );
  },
}; // prettier-ignore

const p99 = (all: readonly number[]) => percentile(all, 0.99);
const mainSeconds = ({ isQuick }: BenchContext) => (isQuick ? 2 * sliceSeconds : 60);

type Name = "ours" | "baseline";
type Taken = Record<Name, number[]> & { failed: Record<Name, number> };
type Sides = AsyncDisposable & {
  deliver(name: Name, ratePerSecond: number, seconds: number): Promise<LoadSeen>;
};

function* figuresAt(rate: number, { ours, baseline }: Taken): Generator<Figure> {
  const of = { unit: "ms", baselineName };
  yield compare({ bench: `P4 p50, ${rate}/s`, ...of }, { ours, baseline });
  yield compare({ bench: `P4 p99, ${rate}/s`, ...of }, { ours, baseline }, p99);
} // prettier-ignore

/** Slice by slice, ours and the baseline in turn. */
async function atRate(sides: Sides, rate: number, seconds: number): Promise<Taken> {
  const taken: Taken = { ours: [], baseline: [], failed: { ours: 0, baseline: 0 } };
  for (let left = seconds; left > 0; left -= sliceSeconds) {
    for (const name of ["ours", "baseline"] as const) {
      const seen = await sides.deliver(name, rate, Math.min(left, sliceSeconds));
      taken[name].push(...seen.latenciesMs);
      taken.failed[name] += seen.failed;
    }
  }
  return taken;
}

/** Each side goes up by a half until it is too slow twice: one hiccup of the machine ends nothing. */
async function highestRates(sides: Sides, { tell }: BenchContext): Promise<Record<Name, number>> {
  const highest: Record<Name, number> = { ours: 0, baseline: 0 };
  for (const name of ["ours", "baseline"] as const) {
    for (let [rate, misses] = [10, 0]; misses < 2;) {
      const { latenciesMs, failed } = await sides.deliver(name, rate, 5);
      const isHeld = failed === 0 && p99(latenciesMs) < mostP99Ms;
      tell(`${name} at ${rate}/s: ${failed === 0 ? `p99 ${p99(latenciesMs).toFixed(0)} ms` : `${failed} failed`}`);
      if (isHeld) [highest[name], rate, misses] = [rate, Math.round(rate * 1.5), 0];
      else misses += 1;
    }
  }
  return highest;
}

async function openSides(clusterUrl: string): Promise<Sides> {
  await using opened = new AsyncDisposableStack();
  const queue = opened.use(await openQueue(clusterUrl, { projects, workers: 1 }));
  const masterKey = randomBytes(32).toString("base64");
  const ours = await sealSecrets(queue, masterKey);
  const server = opened.use(await serveQueue(queue, { MASTER_KEY: masterKey, LIMIT_WEBHOOKS: "100000000" }));
  const bareDatabase = opened.use(await makeDatabase(clusterUrl));
  const bareFile = fileURLToPath(new URL("bare-webhook.ts", import.meta.url));
  const bare = opened.use(startProgram(bareFile, [bareDatabase.url], { PATH: process.env["PATH"] }));
  const bareUrl = String((await bare.heard("listening"))["url"]);
  const load = opened.use(startDeliveryLoad());
  const targets: Record<Name, Target[]> = {
    ours: ours.map((target) => ({ ...target, url: `${server.url}${target.url}` })),
    baseline: ours.map((target) => ({ ...target, url: bareUrl })),
  };
  const owned = opened.move();
  return {
    async deliver(name, ratePerSecond, seconds) {
      const seen = await load.run({ targets: targets[name], ratePerSecond, seconds });
      // The gate looks at each run after its delivery was answered: that is not to fall into the other side's turn.
      if (name === "ours") await isQuiet(queue);
      return seen;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The projects' webhook secrets, sealed as the server finds them. @returns its paths. */
async function sealSecrets({ deps, owner }: Queue, masterKey: string): Promise<Target[]> {
  const { sealing } = await openSealing({ db: deps.db }, { masterKey, dataFolder: undefined });
  const { rows } = await owner.query<{ id: string; name: string; number: string }>(
    "select id, github_repo as name, github_repo_id as number from fc.projects",
  );
  await owner.query(
    "update fc.projects p set webhook_secret = given.secret from unnest($1::uuid[], $2::bytea[]) as given (id, secret) where given.id = p.id",
    [rows.map(({ id }) => id), rows.map(({ id }) => sealWebhookSecret({ sealing }, id, secret))],
  );
  return rows.map(({ id, name, number }) => ({
    url: `/api/webhook/${idOf("prj", id)}`,
    secret,
    repository: { id: Number(number), full_name: name, private: false },
  }));
}

async function isQuiet({ owner }: Queue): Promise<void> {
  for (;;) {
    const { rows } = await owner.query<{ count: number }>(
      "select count(*)::int as count from fc.pipeline_runs where waiting_for = 'github' and result is null",
    );
    if (rows[0]?.count === 0) return;
    await pause(200);
  }
}
