import { setTimeout as pause } from "node:timers/promises";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openBareStreams, openOurStreams, type Streams } from "./open-streams.ts";
import { restingBytes } from "./resting-bytes.ts";
import { percentile } from "./statistics.ts";
import { pssBytes } from "./watch-memory.ts";

/** Lines, a second apart: what one causes is over before the next. */
const lines = 10;
const asksPerSecond = 20;
const kilobyte = 1024;
const echo = "an echo by node:http";

export const bench: Bench = {
  name: "p10-many-readers",
  about: "readers of one run's events, each with a key of its own: memory of each, a line to all, the API meanwhile",
  async *run({ isQuick, tell }) {
    await using cluster = await startPostgres();
    await using ours = await openOurStreams(cluster.url);
    await using bare = await openBareStreams();
    await warmUp(ours);
    await warmUp(bare);
    const alone = await askWhile(ours.ask, () => pause(lines * 1_000));
    const empty = { ours: await restingOf(ours), baseline: await restingOf(bare) };
    const first: { delivery?: number[]; bytes?: number } = {};
    for (const count of isQuick ? [100, 1_000] : [100, 1_000, 10_000]) {
      const seen = { ours: await measure(ours, count), baseline: await measure(bare, count) };
      tell(`${count} readers: done, ${seen.ours.ended} streams were closed`);
      const name = (what: string) => `P10 ${what}, ${count.toLocaleString("en")} readers`;
      const each = (side: "ours" | "baseline") => [(seen[side].restingBytes - empty[side]) / count / kilobyte];
      const memory = { ours: each("ours"), baseline: each("baseline") };
      yield compare({ bench: name("memory each"), unit: "KB", baselineName: echo }, memory);
      const delivery = { ours: seen.ours.latenciesMs, baseline: seen.baseline.latenciesMs };
      yield compare({ bench: name("a line seen, p50"), unit: "ms", baselineName: echo }, delivery);
      yield compare({ bench: name("a line seen, p99"), unit: "ms", baselineName: echo }, delivery, p99);
      const api = { ours: seen.ours.asked, baseline: alone };
      yield compare({ bench: name("API p99 meanwhile"), unit: "ms", baselineName: "without readers" }, api, p99);
      const [bytes = 0] = memory.ours;
      if (first.delivery && first.bytes !== undefined) {
        const of = { baselineName: "with 100 readers" };
        yield compare({ bench: name("growth of p99"), unit: "ms", ...of }, { ours: delivery.ours, baseline: first.delivery }, p99);
        yield compare({ bench: name("growth of memory each"), unit: "KB", ...of }, { ours: [bytes], baseline: [first.bytes] });
      } else [first.delivery, first.bytes] = [delivery.ours, bytes];
    }
  },
}; // prettier-ignore

const restingOf = ({ pid }: Streams) => restingBytes(() => pssBytes(pid));
const p99 = (all: readonly number[]) => percentile(all, 0.99);

/** What the first readers and lines bring once: code that is compiled, connections to the database. */
async function warmUp(streams: Streams & { ask?(): Promise<number> }): Promise<void> {
  await streams.growTo(50);
  for (let n = 0; n < 10; n += 1) {
    await streams.say();
    await streams.ask?.();
  }
  await pause(2_000);
  await streams.shut();
}

async function measure(streams: Streams & { ask?(): Promise<number> }, count: number) {
  await streams.growTo(count);
  const resting = await restingOf(streams);
  await streams.take();
  const say = async () => {
    for (let line = 0; line < lines; line += 1) {
      await streams.say();
      await pause(1_000);
    }
    await pause(2_000);
  };
  const asked = streams.ask ? await askWhile(streams.ask, say) : (await say(), []);
  const { latenciesMs, ended } = await streams.take();
  if (latenciesMs.length < count * lines) throw new Error(`${count * lines - latenciesMs.length} lines were not seen.`);
  return { latenciesMs, ended, asked, restingBytes: resting };
}

/** Asks again and again while `work` lasts. @returns milliseconds of each. */
async function askWhile(ask: () => Promise<number>, work: () => Promise<unknown>): Promise<number[]> {
  const asked: Promise<number>[] = [];
  const asking = setInterval(() => asked.push(ask()), 1_000 / asksPerSecond);
  try {
    await work();
  } finally {
    clearInterval(asking);
  }
  return Promise.all(asked);
}
