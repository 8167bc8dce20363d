import { insidePaths } from "../core/inside-paths.ts";
import type { SandboxJob } from "../ports/sandbox.ts";
import { runTry, tryLimits } from "./self-test-run.ts";

/**
 * Uses up processes, memory and disk, each by a program that is bounded by itself: a limit that does not hold harms
 * nothing here. `limited` = ended for that resource, after it had got some of it.
 */
export async function tryLimitsOf(job: SandboxJob): Promise<[string, string][]> {
  const [forks, memory, disk] = await Promise.all([tryForks(job), tryMemory(job), tryDisk(job)]);
  return [
    ["forks", forks],
    ["memory", memory],
    ["disk", disk],
  ];
}

async function tryForks(job: SandboxJob): Promise<string> {
  const { output, end } = await runTry(job, { argv: ["node", "-"], stdin: forksScript });
  if (end.by === "resources" && end.detail.startsWith("processes")) return "limited";
  const refusedAt = Number(output.match(/limited by EAGAIN at (\d+)/)?.[1] ?? 0);
  return refusedAt >= 20 ? "limited" : `${end.by}: ${output.trim().slice(0, 100) || end.detail}`;
}

async function tryMemory(job: SandboxJob): Promise<string> {
  const limits = { ...tryLimits, memoryBytes: 256e6 };
  const { output, end } = await runTry(job, { argv: ["node", "-"], stdin: memoryScript, limits });
  const isLimited = end.by === "resources" && end.detail.startsWith("memory") && output.startsWith("started");
  return isLimited ? "limited" : `${end.by}: ${end.detail}`;
}

async function tryDisk(job: SandboxJob): Promise<string> {
  const { output, end } = await runTry(job, { argv: ["node", "-"], stdin: diskScript });
  const isLimited = end.by === "resources" && end.detail.startsWith("disk") && output.startsWith("started");
  return isLimited ? "limited" : `${end.by}: ${end.detail}`;
}

/** Starts as many processes as it can, and says how far it came. */
const forksScript = `
const { spawn } = require("node:child_process");
let started = 0;
const next = () => {
  if (started === 1000) { console.log("started 1000"); process.exit(0); }
  const child = spawn("sleep", ["20"], { stdio: "ignore" });
  child.on("error", (error) => { console.log("limited by " + error.code + " at " + started); process.exit(0); });
  child.on("spawn", () => { started++; next(); });
};
next();
`;

/** Twice its limit, then it waits to be ended. */
const memoryScript = `
const kept = [];
console.log("started");
setInterval(() => kept.length < 25 && kept.push(Buffer.alloc(20e6, 1)), 10);
setTimeout(() => process.exit(0), 10_000);
`;

/** Twice what there is of tmp. */
const diskScript = `
const fs = require("node:fs");
fs.writeFileSync("${insidePaths.home}/first", "x");
console.log("started");
try { for (let n = 0; n < 64; n++) fs.writeFileSync("/tmp/fill-" + n, Buffer.alloc(1e6, 1)); } catch {}
setTimeout(() => process.exit(0), 10_000);
`;
