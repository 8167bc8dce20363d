import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { openWorld, mend, type World } from "@feedback-chat/testing/open-world";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { pssBytes, watchPeak } from "./watch-memory.ts";

const rounds = 2;
const megabyte = 1024 ** 2;
const baselineName = "the same program into a node that discards";
const line = "src/cart.js: expected 29.97 but the total was 9.99, see the invoice of order 4711";

export const bench: Bench = {
  name: "p7b-log-flood",
  about: "the worker alone while an engine prints without end: its memory over idle, and how long that takes",
  async *run({ isFull, tell }) {
    const floodBytes = (isFull ? 500 : 20) * 1_000_000;
    const flood = `yes '${line}' | head -c ${floodBytes}`;
    await using cluster = await startPostgres();
    await using world = await openWorld({
      databaseUrl: cluster.url,
      settings: { publish: "auto" },
      engineCommand: ["sh", "-c", `${flood}\n${mend}`],
      figuresScale: 1,
    });
    await world.startWorker();
    const workerPid = world.programs.worker?.pid ?? 0;
    tell("one run to warm up");
    await workOnce(world);
    const megabytes: Record<"ours" | "baseline", number[]> = { ours: [], baseline: [] };
    const seconds: Record<"ours" | "baseline", number[]> = { ours: [], baseline: [] };
    const note = (side: "ours" | "baseline", seen: { overIdleBytes: number; seconds: number }) => {
      megabytes[side].push(seen.overIdleBytes / megabyte);
      seconds[side].push(seen.seconds);
    };
    for (let round = 0; round < rounds; round += 1) {
      note("ours", await watched(workerPid, () => workOnce(world)));
      const discarding = await startDiscarding();
      note("baseline", await watched(discarding.pid ?? 0, () => pour(flood, discarding)));
      tell(`round ${round + 1} of ${rounds}`);
    }
    const said = `${floodBytes / 1_000_000} MB of log`;
    yield compare({ bench: `P7b worker over idle, ${said}`, unit: "MB", baselineName }, megabytes, largest);
    yield compare({ bench: `P7b whole run, ${said}`, unit: "s", baselineName }, seconds);
  },
};

const largest = (all: readonly number[]) => Math.max(...all);

async function watched(pid: number, work: () => Promise<void>) {
  const idleBytes = pssBytes(pid);
  const watch = watchPeak(() => pssBytes(pid));
  const startMs = performance.now();
  await work();
  const seconds = (performance.now() - startMs) / 1_000;
  return { overIdleBytes: (await watch.stop()) - idleBytes, seconds };
}

/** From an issue to its pull request: the flood lies between. */
async function workOnce(world: World): Promise<void> {
  const wanted = (await world.runs()).length + 1;
  world.openIssue();
  for (;;) {
    const all = await world.runs();
    const failed = all.find(({ stage }) => stage === "failed" || stage === "rejected");
    if (failed) throw new Error(`The run ended as ${JSON.stringify(failed)}.`);
    if (all.length === wanted && all.every(({ stage }) => stage === "preview_ready")) return;
    await pause(100);
  }
}

async function startDiscarding(): Promise<ChildProcess> {
  const script = "process.stdin.on('data', () => {}); process.stdout.write('ready')";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function pour(flood: string, into: ChildProcess): Promise<void> {
  const source = spawn("sh", ["-c", flood], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(into, "exit");
  if (into.stdin) source.stdout.pipe(into.stdin);
  await ended;
}
