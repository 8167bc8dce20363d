import type { Clock } from "../ports/clock.ts";
import type { EngineEnd, EngineEvent, EngineRun, StopReason } from "../ports/engine.ts";
import type { SandboxEnd, SandboxJob, SandboxRun, SandboxSpec } from "../ports/sandbox.ts";
import { mergeStreams } from "./merge-streams.ts";
import { parseStreamJson } from "./parse-stream-json.ts";
import { readLines } from "./read-lines.ts";

/** After a result the program may still tidy up for so long; then it is ended, and the claim stays. */
const graceMs = 60_000;
const maxLineBytes = 1024 * 1024;

export type Following = {
  /** Done before the program starts, such as writing a file that it reads. */
  before?: () => Promise<void>;
  spec: Omit<SandboxSpec, "signal">;
  idleSeconds: number;
  /** For a program that prints no result: exit code 0 claims done. */
  resultFromExit: boolean;
};

/** `grace`: it has told its result and did not end. A worker's `drain` is another thing, and stops work that is not done. */
type Why = StopReason | "grace";
type Seen = {
  claim: EngineEnd["claim"] | null;
  summary: string;
  lastText: string;
};

/** Starts an engine's program between the walls and reads what it prints. Nothing here believes any of it. */
export function followEngine({ clock }: { clock: Clock }, job: SandboxJob, following: Following): EngineRun {
  const stop = new AbortController();
  let why: Why | null = null;
  const end = (reason: Why) => {
    why ??= reason;
    stop.abort(new Error(reason));
  };
  const seen: Seen = { claim: null, summary: "", lastText: "" };
  const patience = watchIdle(clock, {
    idleMs: following.idleSeconds * 1000,
    onIdle: end,
    hasResult: () => seen.claim !== null,
  });
  const run = startAfter(following.before, () => job.run({ ...following.spec, signal: stop.signal }));
  const ended = run
    .then(({ ended: sandboxEnded }) => sandboxEnded)
    .then((sandboxEnd) => endOf(sandboxEnd, { seen, why, resultFromExit: following.resultFromExit }));
  // A failure reaches whoever reads the events, and whoever awaits `ended`; here only the timers stop.
  void ended.then(patience.stop, patience.stop);
  return {
    events: eventsOf({ run, seen, heard: patience.heard, done: ended }),
    ended,
    async stop(reason) {
      end(reason);
      await ended;
    },
  };
}

async function startAfter(before: Following["before"], start: () => SandboxRun): Promise<SandboxRun> {
  await before?.();
  return start();
}

type Reading = { run: Promise<SandboxRun>; seen: Seen; heard: () => void; done: Promise<unknown> };

async function* eventsOf({ run, seen, heard, done }: Reading): AsyncGenerator<EngineEvent> {
  const streams = await run;
  const stdout = readStream(streams.stdout, (text, wasCut) => eventsOfLine(text, wasCut, seen), heard);
  const stderr = readStream(streams.stderr, (text) => [{ type: "log", level: "warn", text }], heard);
  for await (const event of mergeStreams(stdout, stderr)) yield event;
  await done;
}

function eventsOfLine(text: string, wasCut: boolean, seen: Seen): EngineEvent[] {
  const parsed = wasCut ? null : parseStreamJson(text);
  if (parsed === null) {
    if (text.trim() !== "") seen.lastText = text;
    return text.trim() === "" ? [] : [{ type: "log", level: "info", text }];
  }
  for (const event of parsed) {
    if (event.type === "log") seen.lastText = event.text;
    // Any process inside can print such a line. One that says less than another did stands: no later one takes it back.
    if (event.type === "result" && worth[event.claim] <= worth[seen.claim ?? "done"])
      [seen.claim, seen.summary] = [event.claim, event.summary];
  }
  return parsed;
}

const worth = { error: 0, gave_up: 1, done: 2 };

async function* readStream(
  stream: AsyncIterable<Uint8Array>,
  read: (text: string, wasCut: boolean) => EngineEvent[],
  heard: () => void,
): AsyncGenerator<EngineEvent> {
  for await (const { text, wasCut } of readLines(stream, maxLineBytes)) {
    heard();
    yield* read(text, wasCut);
  }
}

function endOf(
  end: SandboxEnd,
  { seen, why, resultFromExit }: { seen: Seen; why: Why | null; resultFromExit: boolean },
): EngineEnd {
  const isAfterGrace = end.by === "signal" && why === "grace";
  const isWhole = isAfterGrace || (end.by === "exit" && end.exitCode === 0);
  const claim = claimOf(seen.claim, { isWhole, mayClaim: isAfterGrace || end.by === "exit", resultFromExit });
  return { claim, by: causeOf(end, why), summary: summaryOf(end, { seen, isBroken: !isWhole }).slice(0, 8_000) };
}

/** What it says counts no more than how its process ended. No result line, no success: SIGINT for one exits 0 (measured). */
function claimOf(
  said: EngineEnd["claim"] | null,
  { isWhole, mayClaim, resultFromExit }: { isWhole: boolean; mayClaim: boolean; resultFromExit: boolean },
): EngineEnd["claim"] {
  if (said === "gave_up" && mayClaim) return "gave_up";
  if (!isWhole) return "error";
  return said ?? (resultFromExit ? "done" : "error");
}

function causeOf(end: SandboxEnd, why: Why | null): EngineEnd["by"] {
  if (end.by !== "signal") return end.by;
  if (why === "idle" || why === "time") return why;
  return why === "grace" ? "exit" : "stopped";
}

/** A limit, and an end that belies the words before it, are told in our words. */
function summaryOf(end: SandboxEnd, { seen, isBroken }: { seen: Seen; isBroken: boolean }): string {
  if (end.by === "resources") return end.detail;
  if (seen.claim !== "done" || !isBroken) return seen.summary || seen.lastText || end.detail;
  const how = end.by === "exit" && end.exitCode !== null ? `ended with exit code ${end.exitCode}` : "was stopped";
  return `The agent's program said that it was done, but ${how}.`;
}

type Patience = { idleMs: number; onIdle: (why: Why) => void; hasResult: () => boolean };

function watchIdle(clock: Clock, { idleMs, onIdle, hasResult }: Patience): { heard(): void; stop(): void } {
  const over = new AbortController();
  let last = clock.monotonicMs();
  let resultAt: number | null = null;
  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      const now = clock.monotonicMs();
      if (hasResult()) resultAt ??= now;
      const left = resultAt === null ? last + idleMs - now : resultAt + graceMs - now;
      if (left <= 0) return onIdle(resultAt === null ? "idle" : "grace");
      await clock.wait(Math.min(left, 1_000), over.signal);
    }
  }
  void watch();
  return { heard: () => void (last = clock.monotonicMs()), stop: () => over.abort() };
}
