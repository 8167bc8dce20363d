import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";

const rounds = 2;
const goalSeconds = 20;
const root = join(import.meta.dirname, "../..");

export const bench: Bench = {
  name: "p14-demo-time",
  about: "fresh clone to open pull request: `npm run demo`, warm package cache",
  async *run({ tell }) {
    const ours: number[] = [];
    const baseline: number[] = [];
    const fromFeedback: number[] = [];
    tell("an install first: it fills the package cache");
    await inFreshClone(install);
    for (let round = 1; round <= rounds; round += 1) {
      baseline.push((await inFreshClone(install)).seconds);
      const { seconds, answer } = await inFreshClone(demo);
      ours.push(seconds);
      fromFeedback.push(answer.totalMs / 1_000);
      tell(`round ${round}/${rounds}: demo ${seconds.toFixed(1)} s, install ${baseline.at(-1)?.toFixed(1)} s`);
    }
    const of = { unit: "s", baselineName: "pnpm install alone" };
    yield compare({ bench: "P14 clone to pull request", ...of }, { ours, baseline });
    const beyond = ours.map((seconds, round) => seconds - (baseline[round] ?? 0));
    const goal = { unit: "s", baselineName: "the goal" };
    yield compare({ bench: "P14 beyond the install", ...goal }, { ours: beyond, baseline: [goalSeconds] });
    yield compare({ bench: "P14 feedback to pull request", ...of }, { ours: fromFeedback, baseline });
  },
};

/** Of what is committed. The clone itself is not counted: both sides need it. */
async function inFreshClone<T>(work: (folder: string) => Promise<T>): Promise<{ seconds: number; answer: T }> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-fresh-"));
  try {
    await execa("git", ["clone", "--quiet", root, folder]);
    const startMs = performance.now();
    const answer = await work(folder);
    return { seconds: (performance.now() - startMs) / 1_000, answer };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function install(folder: string): Promise<void> {
  await execa("npx", ["-y", "pnpm@12.21.0", "install", "--frozen-lockfile"], { cwd: folder });
}

async function demo(folder: string): Promise<{ totalMs: number }> {
  const { stdout } = await execa("npm", ["run", "--silent", "demo", "--", "--json"], {
    cwd: folder,
  });
  const result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
    ok: boolean;
    totalMs: number;
  };
  if (!result.ok) throw new Error(`The demo failed: ${stdout.slice(-2_000)}`);
  return result;
}
