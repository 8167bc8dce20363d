import { isProblem } from "@feedback-chat/protocol/problem";
import type { Context } from "hono";
import type { Log } from "./log.ts";
import type { Streams } from "./open-streams.ts";
import { bodySink, type Sink, wireSink } from "./sse-sink.ts";

export type SseMessage = { event: string; data: unknown; id?: number };
export type Sse = {
  /** Fires when the reader is gone, or was closed for being too far behind. */
  readonly closed: AbortSignal;
  /** Waits while the reader is too far behind. */
  send(message: SseMessage): Promise<void>;
  /** Messages that are encoded already, for many readers at once. */
  write(bytes: Uint8Array): Promise<void>;
  /** Keeps proxies from closing an idle stream. */
  comment(): Promise<void>;
};

/** How far a reader may be behind before nothing more is produced for it. */
const maxBehindBytes = 256 * 1024;

type Deps = { log: Log; streams: Streams };
type Input = {
  /** A reader that takes nothing for so long while it is that far behind is closed; it comes back and resumes. */
  stallMs: number;
  /** Cuts the reader's connection: an orderly end would wait behind what it does not take. */
  cut: () => void;
};

/** The connection under a request. Without one (a request that came over no wire) there is nothing to cut. */
export function cutOf(c: Context): () => void {
  const { outgoing } = (c.env ?? {}) as { outgoing?: { destroy(): void } };
  return () => outgoing?.destroy();
}

const encoder = new TextEncoder();
const pulse = encoder.encode(": \n\n");

export function encodeMessages(messages: readonly SseMessage[]): Uint8Array {
  const text = ({ event, data, id }: SseMessage) =>
    `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
  return encoder.encode(messages.map(text).join(""));
}

/**
 * An answer of server-sent events, produced by `produce` until it returns or the reader goes. Per reader, memory is
 * bounded by `maxBehindBytes` and what is written at once, whatever the reader does.
 */
export function serveSse(deps: Deps, input: Input, produce: (sse: Sse) => Promise<void>): Response {
  const { body, sink } = bodySink(() => void run(deps, input, sink, produce));
  // On a connection it is written without the web stream, which costs more than all the rest of a reader.
  deps.streams.wires.set(body, (wire) => void run(deps, input, wireSink(wire), produce));
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

async function run(
  { log, streams }: Deps,
  { stallMs, cut }: Input,
  sink: Sink,
  produce: (sse: Sse) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const leave = streams.enter(end);
  sink.whenGone(end);
  const closed = ended.signal;
  const write = async (bytes: Uint8Array) => {
    while (sink.behindBytes() >= maxBehindBytes && !closed.aborted) {
      if (await isSettledWithin(sink.drained(), stallMs, closed)) continue;
      if (!closed.aborted) cut();
      end();
    }
    if (!closed.aborted) sink.write(bytes);
  };
  try {
    await produce({
      closed,
      write,
      send: (message) => write(encodeMessages([message])),
      comment: () => write(pulse),
    });
  } catch (error) {
    // A reader that may not read any more is closed like one that is done: it asks again and is told why.
    if (!isProblem(error)) log.error("sse.failed", { error });
  } finally {
    sink.end();
    leave();
  }
}

/** True when `event` came in time; false after `ms` or when `abort` fired. */
async function isSettledWithin(event: Promise<void>, ms: number, abort: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const stop = () => resolve(false);
  abort.addEventListener("abort", stop, { once: true });
  void event.then(() => resolve(true));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    abort.removeEventListener("abort", stop);
  }
}
