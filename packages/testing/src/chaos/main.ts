/**
 * npm run chaos [-- --seed <n>] [--seconds <n>] [--jobs <n>]: kills, stops and cuts everything at random under real
 * work, then judges what came of it. Exit code 1 and the offending rows on a violation.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runChaos } from "./run-chaos.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "600" },
    jobs: { type: "string", default: "500" },
    every: { type: "string", default: "2.5" },
    settle: { type: "string" },
    workers: { type: "string", default: "4" },
    projects: { type: "string", default: "5" },
    scale: { type: "string", default: "0.2" },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const [seconds, jobs, faultEverySeconds] = [Number(values.seconds), Number(values.jobs), Number(values.every)];
const [workers, projects, scale] = [Number(values.workers), Number(values.projects), Number(values.scale)];
const settleSeconds = values.settle === undefined ? 180 + jobs * 3 : Number(values.settle);

if (![seed, seconds, jobs, faultEverySeconds, settleSeconds, workers, projects, scale].every((number) => number >= 0)) {
  process.stderr.write("usage: npm run chaos [-- --seed <n>] [--seconds <n>] [--jobs <n>] [--every <seconds>] [--settle <seconds>] [--workers <n>] [--projects <n>] [--scale <n>]\n"); // prettier-ignore
  process.exitCode = 2;
} else {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const { violations, ledger } = await runChaos({
    seed,
    seconds,
    jobs,
    faultEverySeconds,
    settleSeconds,
    workers,
    projects,
    scale,
    say,
  });
  for (const [what, count] of Object.entries(ledger)) say(`${what.padEnd(44)} ${String(count).padStart(8)}`);
  for (const violation of violations) say(`VIOLATION ${violation}`);
  say(violations.length === 0 ? `0 lost, 0 double (seed ${seed})` : `${violations.length} violations (seed ${seed})`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
