/**
 * npm run fuzz [-- <minutes>] [--seed <n>]: every property of the units, and the whole API with odd input on a real
 * Postgres, again and again with new seeds and more runs.
 * Ends with the seed of the first failure; the same seed fails the same way.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: "string" } } });
const minutes = Number(positionals[0] ?? 5);
const runs = 1_000;

const files = globSync(["{packages/*,cli,control-plane}/src/**/*.test.ts", "control-plane/test/fuzz/*.test.ts"], {
  cwd: root,
}).filter((file) => readFileSync(join(root, file), "utf8").includes("fc.assert("));
const said = files.map((file) => file.replace(/^.*\/(src|test)\//, "")).join(" ");
process.stdout.write(`${files.length} files with properties, ${runs} runs each: ${said}\n`);

function tryWith(seed: number): boolean {
  const args = [
    "scripts/with-postgres.ts",
    "--",
    "npx",
    "vitest",
    "run",
    "--testTimeout=600000",
    "--reporter=dot",
    ...files,
  ];
  const env = { ...process.env, NO_COLOR: "1", FUZZ_SEED: String(seed), FUZZ_RUNS: String(runs) };
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8" });
  const isOk = status === 0;
  process.stdout.write(`seed ${seed} ${isOk ? "ok" : "FAIL"} ${Math.round((performance.now() - began) / 1_000)} s\n`);
  if (!isOk) process.stdout.write(`${stdout}\n${stderr}\nAgain: npm run fuzz -- --seed ${seed}\n`);
  return isOk;
}

if (!(minutes > 0) || files.length === 0) {
  process.stderr.write(
    files.length === 0 ? "No file has a property.\n" : "usage: npm run fuzz [-- <minutes>] [--seed <n>]\n",
  );
  process.exitCode = 2;
} else if (values.seed !== undefined) {
  process.exitCode = tryWith(Number(values.seed)) ? 0 : 1;
} else {
  const end = Date.now() + minutes * 60_000;
  let isOk = true;
  while (isOk && Date.now() < end) isOk = tryWith(randomInt(2 ** 31));
  process.exitCode = isOk ? 0 : 1;
}
