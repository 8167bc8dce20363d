/** node scripts/record-demo.ts: runs the demo for real and writes what it told as the recording of `demo --replay`. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

type Moment = { type: string } & Record<string, unknown>;

const pathOf = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const command = ["--conditions=source", "--no-warnings", pathOf("cli/src/bin.ts"), "demo", "--json"];
const recordedAt = new Date().toISOString();
const run = spawnSync(process.execPath, command, { encoding: "utf8", env: { ...process.env, CI: "1" } });
if (run.status !== 0) throw new Error(`the demo ended with ${run.status}: ${run.stderr}${run.stdout.slice(-2_000)}`);

const moments = run.stdout
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Moment)
  // That folder is gone, and its name is the recording machine's own.
  .map((moment) => (moment.type === "demo.result" ? { ...moment, gitDir: null } : moment));
const { version } = JSON.parse(readFileSync(pathOf("cli/package.json"), "utf8")) as { version: string };
const head = JSON.stringify({ schemaVersion: 1, recordedAt, version }).slice(1, -1);
// A moment a line: what another recording changes is seen.
const lines = moments.map((moment) => JSON.stringify(moment)).join(",\n");
writeFileSync(pathOf("cli/src/recordings/demo.json"), `{${head},"moments":[\n${lines}\n]}\n`);
