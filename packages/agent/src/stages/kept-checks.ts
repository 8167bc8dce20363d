import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { checkOutcome } from "@feedback-chat/protocol/evidence";
import * as z from "zod";
import type { CheckChain } from "../core/choose-checks.ts";
import { ignoring } from "../platform/ignoring.ts";
import { packageVersion } from "../platform/package-version.ts";
import { writeDurably } from "../platform/write-durably.ts";
import type { RunRepository } from "../ports/git.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import type { Layers } from "./deps.ts";
import type { Judged } from "./run-check.ts";
import type { ChainDeps } from "./run-chain.ts";

/** Where results are kept between runs: a folder of the worker's own, which no sandbox sees. */
export type KeptChecks = { folder: string; repositoryId: number };

type Asked = { repository: RunRepository; layers: Layers; chain: CheckChain; limits: SandboxLimits };

const maxFiles = 200;
const keptMs = 7 * 24 * 3_600_000;

const keptFile = z.object({
  key: z.string(),
  /** How often the same came of it. */
  times: z.int().positive(),
  results: z.array(
    z.object({
      side: z.object({ outcome: checkOutcome, durationMs: z.int(), outputTail: z.string() }),
      said: z.string(),
    }),
  ),
});

/**
 * What earlier runs found out about the same base, packages, commands, Node, limits and machine; null when none did. A
 * failure counts when it was seen twice: one that comes and goes would excuse every change of a week.
 */
export async function readKeptChecks(deps: ChainDeps, kept: KeptChecks, asked: Asked): Promise<Judged[] | null> {
  const key = keyOf(deps, kept, asked);
  if (key === null) return null;
  const found = await readFileOf(deps, kept, { key, count: asked.chain.checks.length });
  if (found === null || (found.times < 2 && !hasPassed(found.results))) return null;
  const { results } = found;
  const outcomes = asked.chain.checks.map(({ name }, index) => `${name} ${results[index]?.side.outcome}`);
  deps.log("info", `On the base, known from an earlier run: ${outcomes.join(", ")}.`);
  return results.map(({ side, said }) => ({
    side: { ...side, outputTail: deps.redactor.text(side.outputTail) },
    said: deps.redactor.text(said),
  }));
}

/**
 * Keeps what the base alone brought about, seen without an agent beside it: no time-out or limit, which the machine's
 * load decides.
 * @param earlier what the same run saw before, beside its agent
 */
export async function keepChecks(
  deps: ChainDeps,
  kept: KeptChecks,
  { results, earlier, ...asked }: Asked & { results: Judged[]; earlier: Judged[] | null },
): Promise<void> {
  const key = keyOf(deps, kept, asked);
  const isSound = results.every(({ side }) => side.outcome === "passed" || side.outcome === "failed");
  if (key === null || !isSound) return;
  const before = earlier ?? (await readFileOf(deps, kept, { key, count: results.length }))?.results;
  const times = before && outcomesOf(before) === outcomesOf(results) ? 2 : 1;
  const whole = results.map(({ side, said }) => ({ side, said: side.outcome === "passed" ? "" : said }));
  await writeDurably(join(kept.folder, `${key}.json`), JSON.stringify({ key, times, results: whole }));
  await trim(deps, kept.folder);
}

/** Null when there is none, it is too old, or it is not what we wrote. */
async function readFileOf(
  { clock }: ChainDeps,
  { folder }: KeptChecks,
  { key, count }: { key: string; count: number },
): Promise<z.infer<typeof keptFile> | null> {
  const path = join(folder, `${key}.json`);
  const facts = await stat(path).catch(ignoring("ENOENT"));
  if (!facts || clock.now().getTime() - facts.mtimeMs > keptMs) return null;
  const parsed = keptFile.safeParse(jsonOrNothing((await readFile(path, "utf8").catch(ignoring("ENOENT"))) ?? ""));
  if (!parsed.success || parsed.data.key !== key) return null;
  return parsed.data.results.length === count ? parsed.data : null;
}

function hasPassed(results: Judged[]): boolean {
  return results.every(({ side }) => side.outcome === "passed");
}

function outcomesOf(results: Judged[]): string {
  return results.map(({ side }) => side.outcome).join(" ");
}

/** Null when it is not known which packages the checks ran with. */
function keyOf(
  deps: ChainDeps,
  { repositoryId }: KeptChecks,
  { repository, layers, chain, limits }: Asked,
): string | null {
  if (layers.hash === null) return null;
  const facts = [
    repositoryId,
    repository.baseSha,
    layers.hash,
    chain,
    limits,
    layers.node.version,
    process.arch,
    // What the walls can do, such as overlays, comes with the mechanism and the kernel.
    deps.sandbox.id,
    release(),
    packageVersion,
  ];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** The oldest go first; a file that another worker of this folder has just removed is gone already. */
async function trim({ clock }: ChainDeps, folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const found = await Promise.all(
    names.map(async (name) => ({ name, facts: await stat(join(folder, name)).catch(ignoring("ENOENT")) })),
  );
  const files = found.flatMap(({ name, facts }) =>
    facts ? [{ name, ageMs: clock.now().getTime() - facts.mtimeMs }] : [],
  );
  const old = files
    .toSorted((a, b) => a.ageMs - b.ageMs)
    .filter(({ ageMs }, index) => index >= maxFiles || ageMs > keptMs);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
