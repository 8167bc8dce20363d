import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import * as z from "zod";
import { withFolderLock } from "../git/with-folder-lock.ts";
import { ignoring } from "../platform/ignoring.ts";
import { writeDurably } from "../platform/write-durably.ts";
import type { Clock } from "../ports/clock.ts";

const ledger = z.object({
  schemaVersion: z.literal(1),
  entries: z.array(
    z.object({
      reservationId: z.string(),
      runId: z.string(),
      at: z.iso.datetime(),
      microUsd: z.int().nonnegative(),
      input: z.int(),
      output: z.int(),
      isSettled: z.literal(true).optional(),
      /** Of an entry that stands for all of a run's older ones. */
      turns: z.int().nonnegative().optional(),
    }),
  ),
});
type Ledger = z.infer<typeof ledger>;
type Entry = Ledger["entries"][number];

const dayMs = 24 * 3_600_000;

export type SpendLedger = {
  /** @throws Problem budget_exceeded, `facts.scope` names the ceiling: nothing was reserved. */
  reserve(microUsd: number): Promise<{ reservationId: string }>;
  /**
   * Replaces a reservation by what was really spent. The same call again changes nothing.
   * @throws Problem not_found
   */
  settle(reservationId: string, microUsd: number, tokens: { input: number; output: number }): Promise<void>;
  spentByRun(): Promise<{ costMicroUsd: number; inputTokens: number; outputTokens: number }>;
  /** Requests of the run that were paid, and when the last was sent. */
  turnsOfRun(): Promise<{ turns: number; lastAt: string | null }>;
  leftToday(): Promise<number>;
};

type Deps = { clock: Clock; newUuid(): string; signal: AbortSignal };
type Input = {
  file: string;
  runId: string;
  runCeilingMicroUsd: number;
  dayCeilingMicroUsd: number;
};

/**
 * What runs of one repository spent, in the last 24 hours and each in all its attempts, shared by all processes of this
 * machine. A reservation whose run died stays: it counts as spent.
 */
export function openSpendLedger({ clock, newUuid, signal }: Deps, input: Input): SpendLedger {
  const change = <T>(work: (entries: Ledger["entries"]) => { entries: Ledger["entries"]; answer: T }): Promise<T> =>
    locked(async () => {
      const { entries: now, answer } = work(await read());
      const entries = folded(now, oldest());
      await writeDurably(input.file, `${JSON.stringify({ schemaVersion: 1, entries } satisfies Ledger)}\n`);
      return answer;
    });
  const locked = async <T>(work: () => Promise<T>) => {
    await mkdir(dirname(input.file), { recursive: true, mode: 0o700 });
    return withFolderLock({ clock, signal }, `${input.file}.lock`, work);
  };
  const oldest = () => clock.now().getTime() - dayMs;
  const ofDay = (entries: Ledger["entries"]) => entries.filter((entry) => Date.parse(entry.at) > oldest());
  const ofRun = (entries: Ledger["entries"]) => entries.filter(({ runId }) => runId === input.runId);

  return {
    reserve: (microUsd) =>
      change((entries) => {
        refuseBeyond("run", {
          spent: sumOf(ofRun(entries)),
          wanted: microUsd,
          ceiling: input.runCeilingMicroUsd,
        });
        refuseBeyond("day", {
          spent: sumOf(ofDay(entries)),
          wanted: microUsd,
          ceiling: input.dayCeilingMicroUsd,
        });
        const entry = {
          reservationId: newUuid(),
          runId: input.runId,
          at: clock.now().toISOString(),
          microUsd,
          input: 0,
          output: 0,
        };
        return { entries: [...entries, entry], answer: { reservationId: entry.reservationId } };
      }),
    settle: (reservationId, microUsd, tokens) =>
      change((entries) => {
        const own = ofRun(entries).find((entry) => entry.reservationId === reservationId);
        if (!own) throw new Problem("not_found", "This run has no such reservation.");
        const settled: Entry = own.isSettled ? own : { ...own, microUsd, ...tokens, isSettled: true };
        return { entries: entries.map((entry) => (entry === own ? settled : entry)), answer: undefined };
      }),
    async spentByRun() {
      const entries = ofRun(await read());
      const count = (of: "input" | "output") => entries.reduce((sum, entry) => sum + entry[of], 0);
      return {
        costMicroUsd: sumOf(entries),
        inputTokens: count("input"),
        outputTokens: count("output"),
      };
    },
    async turnsOfRun() {
      const paid = ofRun(await read()).filter((entry) => turnsIn(entry) > 0);
      return { turns: paid.reduce((sum, entry) => sum + turnsIn(entry), 0), lastAt: paid.at(-1)?.at ?? null };
    },
    leftToday: async () => input.dayCeilingMicroUsd - sumOf(ofDay(await read())),
  };

  async function read(): Promise<Ledger["entries"]> {
    const text = await readFile(input.file, "utf8").catch(ignoring("ENOENT"));
    return text === undefined ? [] : ledger.parse(JSON.parse(text)).entries;
  }
}

/** A run that waited for days still has its own ceiling: of what is older than a day an entry a run is kept. */
function folded(entries: Entry[], oldestMs: number): Entry[] {
  const isOld = ({ at }: Entry) => Date.parse(at) <= oldestMs;
  const runs = Map.groupBy(entries.filter(isOld), ({ runId }) => runId);
  return [...[...runs.values()].map(asOne), ...entries.filter((entry) => !isOld(entry))];
}

function asOne(entries: Entry[]): Entry {
  return entries.reduce((all, entry) => ({
    ...all,
    at: turnsIn(entry) > 0 ? entry.at : all.at,
    microUsd: all.microUsd + entry.microUsd,
    input: all.input + entry.input,
    output: all.output + entry.output,
    turns: turnsIn(all) + turnsIn(entry),
  }));
}

function turnsIn({ turns, microUsd }: Entry): number {
  return turns ?? (microUsd > 0 ? 1 : 0);
}

function sumOf(entries: { microUsd: number }[]): number {
  return entries.reduce((sum, { microUsd }) => sum + microUsd, 0);
}

function refuseBeyond(
  scope: "run" | "day",
  { spent, wanted, ceiling }: { spent: number; wanted: number; ceiling: number },
): void {
  if (spent + wanted <= ceiling) return;
  const usd = (microUsd: number) => (microUsd / 1_000_000).toFixed(2);
  throw new Problem("budget_exceeded", `The ${scope}'s ceiling of ${usd(ceiling)} USD would be passed.`, {
    facts: { scope, leftMicroUsd: Math.max(0, ceiling - spent) },
  });
}
