import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Clock } from "../ports/clock.ts";
import type { Level } from "../ports/engine.ts";
import { ignoring } from "../platform/ignoring.ts";

export type SpoolLine = { at: string; level: Level; message: string };

/** The log of one attempt: first to disk, then to the server, in order, each line once. */
export type LogSpool = {
  write(level: Level, message: string): void;
  /** Resolves when all lines of now were acknowledged, or when `signal` aborts: an ending is more than its log. */
  flush(signal: AbortSignal): Promise<void>;
  /** Only when the job is final: until then the server may ask for any line again. */
  remove(): Promise<void>;
};

type Deps = {
  clock: Clock;
  /** Sends lines from `offset` on. @throws Problem log_gap with `ackedOffset`; lease_lost ends the sending. */
  send(offset: number, lines: SpoolLine[]): Promise<{ ackedOffset: number }>;
  /** What ended the sending before its time. */
  onError(error: unknown): void;
};

export const maxBatchLines = 500;
export const maxBatchBytes = 256 * 1024;

export function openLogSpool(
  { clock, send, onError }: Deps,
  input: { file: string; flushMs: number; signal: AbortSignal },
): LogSpool {
  /** Lines from `ackedOffset` on: what the server has not acknowledged yet. */
  let waiting: SpoolLine[] = [];
  let spooled = 0;
  let ackedOffset = 0;
  let isBroken = false;
  let pump: Promise<void> | undefined;
  let fills = Promise.withResolvers<void>();

  return {
    write(level, message) {
      waiting.push({ at: clock.now().toISOString(), level, message });
      if (waiting.length >= maxBatchLines || sizeOf(waiting) >= maxBatchBytes) fills.resolve();
      start(input.flushMs);
    },
    async flush(signal) {
      const end = ackedOffset + waiting.length;
      fills.resolve();
      while (!isBroken && ackedOffset < end && !signal.aborted) {
        start(0);
        const sent = new AbortController();
        void pump?.finally(() => sent.abort());
        await clock.wait(60_000, AbortSignal.any([signal, sent.signal]));
      }
    },
    async remove() {
      isBroken = true;
      fills.resolve();
      await pump;
      await rm(input.file, { force: true });
    },
  };

  function start(delayMs: number): void {
    if (pump || isBroken) return;
    pump = sendAll(delayMs).then(
      () => void (pump = undefined),
      (error: unknown) => {
        isBroken = true;
        pump = undefined;
        if (!input.signal.aborted) onError(error);
      },
    );
  }

  async function sendAll(delayMs: number): Promise<void> {
    if (delayMs > 0) {
      const early = new AbortController();
      void fills.promise.then(() => early.abort());
      await clock.wait(delayMs, early.signal);
    }
    fills = Promise.withResolvers<void>();
    while (waiting.length > 0 && !isBroken) {
      await spoolNew();
      const batch = firstBatch(waiting);
      try {
        acknowledge((await send(ackedOffset, batch)).ackedOffset);
      } catch (error) {
        if (!isProblem(error, "log_gap")) throw error;
        await goBack(Number(error.facts["ackedOffset"]));
      }
    }
  }

  function acknowledge(offset: number): void {
    const taken = Math.max(0, Math.min(offset - ackedOffset, waiting.length));
    waiting = waiting.slice(taken);
    ackedOffset += taken;
  }

  /** The server has fewer lines than it acknowledged, as after a restore: they are still in the file. */
  async function goBack(offset: number): Promise<void> {
    if (!(offset >= 0)) throw new Error(`The server's log gap names no offset: ${offset}.`);
    if (offset > ackedOffset + waiting.length)
      throw new Error(`The server acknowledged ${offset} lines, more than were written.`);
    if (offset >= ackedOffset) return acknowledge(offset);
    const text = await readFile(input.file, "utf8");
    const again = text
      .split("\n")
      .slice(offset, ackedOffset)
      .map((line) => JSON.parse(line) as SpoolLine);
    waiting = [...again, ...waiting];
    ackedOffset = offset;
  }

  async function spoolNew(): Promise<void> {
    const end = ackedOffset + waiting.length;
    const fresh = waiting.slice(spooled - ackedOffset);
    if (fresh.length === 0) return;
    spooled = end;
    const text = fresh.map((line) => `${JSON.stringify(line)}\n`).join("");
    await appendFile(input.file, text, { mode: 0o600 }).catch(async (error: unknown) => {
      ignoring("ENOENT")(error);
      await mkdir(dirname(input.file), { recursive: true, mode: 0o700 });
      await appendFile(input.file, text, { mode: 0o600 });
    });
  }
}

function firstBatch(lines: SpoolLine[]): SpoolLine[] {
  let bytes = 0;
  const end = lines
    .slice(0, maxBatchLines)
    .findIndex((line) => (bytes += line.message.length * 3 + 64) > maxBatchBytes);
  return lines.slice(0, end === -1 ? maxBatchLines : Math.max(1, end));
}

function sizeOf(lines: SpoolLine[]): number {
  return lines.reduce((sum, line) => sum + line.message.length, 0);
}
