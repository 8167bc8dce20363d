/** npm run bench [-- <name>…] [--json] [--full | --quick]: each figure beside its baseline, in one run. */
import { parseArgs } from "node:util";
import type { Bench } from "./src/bench.ts";
import type { Figure } from "./src/figure.ts";
import { renderTable } from "./src/render-table.ts";
import { saveResults } from "./src/save-results.ts";
import { bench as logLatency } from "./src/p9-log-latency.ts";
import { bench as manyReaders } from "./src/p10-many-readers.ts";
import { bench as restingMemory } from "./src/p15-resting-memory.ts";
import { bench as webhookRate } from "./src/p4-webhook-rate.ts";
import { bench as claimRate } from "./src/p6-claim-rate.ts";
import { bench as demoTime } from "./src/p14-demo-time.ts";
import { bench as enqueueLatency } from "./src/p5-enqueue-latency.ts";
import { bench as pipelineTime } from "./src/p7-pipeline-time.ts";
import { bench as largeClone } from "./src/p8-large-clone.ts";
import { bench as logFlood } from "./src/p7b-log-flood.ts";
import { bench as sandboxStart } from "./src/p7c-sandbox-start.ts";
import { bench as secretCost } from "./src/p13-secret-cost.ts";
import { bench as tenantWalls } from "./src/p11-tenant-walls.ts";

const benches: Bench[] = [
  webhookRate,
  enqueueLatency,
  claimRate,
  pipelineTime,
  logFlood,
  sandboxStart,
  largeClone,
  logLatency,
  manyReaders,
  tenantWalls,
  secretCost,
  demoTime,
  restingMemory,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, full: { type: "boolean" }, quick: { type: "boolean" } },
});
const wanted =
  positionals.length === 0
    ? benches
    : benches.filter(({ name }) => positionals.some((word) => name === word || name.startsWith(`${word}-`)));
if (wanted.length === 0) {
  const known = benches.map(({ name, about }) => `  ${name.padEnd(20)} ${about}`);
  console.error(`There is no bench "${positionals.join(" ")}". These are:\n${known.join("\n")}`);
  process.exitCode = 2;
}
for (const bench of wanted) {
  const figures: Figure[] = [];
  const context = {
    isFull: values.full ?? false,
    isQuick: values.quick ?? false,
    tell: (text: string) => console.error(`${bench.name}: ${text}`),
  };
  for await (const figure of bench.run(context)) {
    figures.push(figure);
    if (values.json) console.log(JSON.stringify(figure));
  }
  if (!values.json) console.log(`\n${bench.name}: ${bench.about}\n${renderTable(figures)}`);
  saveResults(bench.name, figures);
}
