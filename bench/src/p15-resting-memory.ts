import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startProgram } from "@feedback-chat/testing/start-program";
import { waitUntil } from "@feedback-chat/testing/wait-until";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { restingBytes } from "./resting-bytes.ts";
import { treeBytes } from "./watch-memory.ts";

const megabyte = 1024 ** 2;
const upFile = fileURLToPath(new URL("../../cli/src/bin.ts", import.meta.url));
const bareFile = fileURLToPath(new URL("bare-pglite.ts", import.meta.url));

export const bench: Bench = {
  name: "p15-resting-memory",
  about: "memory of `up` with the embedded database and an idle worker, all its processes, after a first start and a second",
  async *run({ tell }) {
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-bench-"));
    try {
      const taken = { ours: [] as number[], baseline: [] as number[], withoutWorker: [] as number[] };
      for (const start of ["the first start", "the second"]) {
        taken.ours.push(await ofUp(folder, []));
        taken.withoutWorker.push(await ofUp(folder, ["--no-worker"]));
        taken.baseline.push(await ofBare(folder));
        tell(`${start}: ${taken.ours.at(-1)?.toFixed(0)} MB, PGlite alone ${taken.baseline.at(-1)?.toFixed(0)} MB`);
      }
      const of = { unit: "MB", baselineName: "PGlite alone" };
      yield compare({ bench: "P15 up with an idle worker", ...of }, taken);
      yield compare({ bench: "P15 up without a worker", ...of }, { ours: taken.withoutWorker, baseline: taken.baseline });
      const over = taken.ours.map((bytes, n) => bytes - (taken.baseline[n] ?? 0));
      yield compare({ bench: "P15 over PGlite alone", unit: "MB", baselineName: "the goal" }, { ours: over, baseline: [150] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
}; // prettier-ignore

async function ofUp(folder: string, flags: string[]): Promise<number> {
  const places = ["CONFIG", "DATA", "CACHE", "STATE"].map((kind) => [`XDG_${kind}_HOME`, join(folder, kind)]);
  const env = { PATH: process.env["PATH"], HOME: folder, GITHUB_API_URL: "http://127.0.0.1:9", ...Object.fromEntries(places) };
  await using up = startProgram(upFile, ["up", "--json", "--offline", "--port", "0", "--data", join(folder, "up"), ...flags], env);
  const isReady = () => up.events.some(({ type, hasWorker }) => type === "up.ready" && hasWorker === (flags.length === 0));
  await Promise.race([waitUntil("up", async () => isReady(), { seconds: 60 }), failWithEnd(up)]);
  const bytes = await restingBytes(() => treeBytes([up.pid]));
  // In order, with all of its processes: the folder is the next one's.
  up.kill("SIGTERM");
  await up.exited;
  return bytes / megabyte;
} // prettier-ignore

async function failWithEnd({ exited, said }: Program): Promise<never> {
  await exited;
  throw new Error(`up ended: ${said()}`);
}

async function ofBare(folder: string): Promise<number> {
  await using bare = startProgram(bareFile, [join(folder, "bare")], { PATH: process.env["PATH"] });
  await bare.heard("open");
  return (await restingBytes(() => treeBytes([bare.pid]))) / megabyte;
}
