import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { mend, openWorld, type World } from "@feedback-chat/testing/open-world";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openBareStreams, seedReaderKeys } from "./open-streams.ts";
import { openOwner } from "./seed-queue.ts";
import { percentile } from "./statistics.ts";
import { startStreamReaders } from "./stream-readers.ts";

const echo = "an echo by node:http, to as many readers";
/** The engine prints each line with the time at which it did. */
const everySeconds = 0.2;
const engine = (lines: number) =>
  `for n in $(seq ${lines}); do echo "t:$(date +%s%3N);"; sleep ${everySeconds}; done; ${mend}`;

export const bench: Bench = {
  name: "p9-log-latency",
  about: "a line that the engine prints to those who follow the run: `logs --follow`, and readers as browsers are",
  async *run({ isQuick, tell }) {
    const sizes = isQuick ? [1, 100] : [1, 100, 1_000];
    await using cluster = await startPostgres();
    await using world = await openWorld({
      databaseUrl: cluster.url,
      settings: { publish: "auto" },
      engineCommand: ["sh", "-c", engine(isQuick ? 75 : 600)],
      figuresScale: 1,
    });
    await world.startWorker();
    await using bare = await openBareStreams();
    const first: { ours?: number[] } = {};
    for (const count of sizes) {
      const { ours, followed } = await measure(world, count);
      const baseline = await echoed(bare, count);
      tell(`${count} readers: ${ours.length} lines seen, ${followed.length} by logs --follow`);
      for (const [what, measured] of [[`${count} readers`, ours], [`logs --follow beside ${count} readers`, followed]] as const) {
        const of = { unit: "ms", baselineName: echo };
        yield compare({ bench: `P9 p50, ${what}`, ...of }, { ours: measured, baseline });
        yield compare({ bench: `P9 p99, ${what}`, ...of }, { ours: measured, baseline }, p99);
      }
      if (first.ours)
        yield compare({ bench: `P9 growth of p99, ${count} readers`, unit: "ms", baselineName: `with ${sizes[0]}` }, { ours, baseline: first.ours }, p99);
      else first.ours = ours;
    }
  },
}; // prettier-ignore

const p99 = (all: readonly number[]) => percentile(all, 0.99);

/** One run, followed from its first lines to its end. */
async function measure(world: World, count: number) {
  const server = String((await world.programs.server?.heard("server.listening"))?.["url"]);
  const before = (await world.runs()).length;
  world.openIssue();
  const run = await world.runThat("a run at work", ({ phase }) => phase === "agent");
  if ((await world.runs()).length !== before + 1) throw new Error("The issue has no run of its own.");
  using readers = startStreamReaders();
  const keys = await readerKeys(world, count);
  await readers.open(server, keys.map((key) => ({ path: `/v1/runs/${run.id}/events`, key })));
  using following = follow(server, { token: world.token, runId: run.id });
  // What it prints first lay there before; and while they came, the server was busy with their coming.
  await following.begun;
  await pause(2_000);
  await readers.take();
  following.take();
  const done = await world.runThat("the run's end", ({ id, stage }) => id === run.id && stage !== "queued" && stage !== "running" && stage !== "validating");
  if (done.stage !== "preview_ready") throw new Error(`The run ended as ${JSON.stringify(done)}.`);
  const { latenciesMs: ours } = await readers.take();
  await readers.close();
  return { ours, followed: following.take() };
} // prettier-ignore

async function readerKeys({ databaseUrl = "", projectId, workspaceId }: World, count: number): Promise<string[]> {
  await using owner = await openOwner(databaseUrl);
  const of = { owner, projectIds: [uuidOf("prj", projectId)], workspaceId: uuidOf("ws", workspaceId) };
  return await seedReaderKeys(of, count);
}

/** The command line as a person has it. */
function follow(url: string, { token, runId }: { token: string; runId: string }) {
  const file = fileURLToPath(new URL("../../cli/src/bin.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", "--no-warnings", file, "logs", runId, "--follow"], {
    env: { ...process.env, FEEDBACK_CHAT_URL: url, FEEDBACK_CHAT_TOKEN: token },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  let latenciesMs: number[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, at] = /t:(\d+);/.exec(line) ?? [];
    begin();
    if (at) latenciesMs.push(performance.timeOrigin + performance.now() - Number(at));
  });
  return {
    begun,
    take() {
      const taken = latenciesMs;
      latenciesMs = [];
      return taken;
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}

async function echoed(bare: Awaited<ReturnType<typeof openBareStreams>>, count: number): Promise<number[]> {
  await bare.growTo(count);
  await bare.take();
  for (let line = 0; line < 50; line += 1) {
    await bare.say();
    await pause(everySeconds * 1_000);
  }
  return (await bare.take()).latenciesMs;
}
