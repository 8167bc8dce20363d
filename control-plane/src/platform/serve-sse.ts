import { isProblem } from "@feedback-chat/protocol/problem";
import type { Context } from "hono";
import type { Log } from "./log.ts";

export type SseMessage = { event: string; data: unknown; id?: number };
export type Sse = {
  /** Fires when the reader is gone, or was closed for being too far behind. */
  readonly closed: AbortSignal;
  /** Waits while the reader is too far behind. */
  send(message: SseMessage): Promise<void>;
  /** Keeps proxies from closing an idle stream. */
  comment(): Promise<void>;
};

/** How far a reader may be behind before nothing more is produced for it. */
const maxBehindBytes = 256 * 1024;

type Input = {
  /** A reader that takes nothing for so long while it is that far behind is closed; it comes back and resumes. */
  stallMs: number;
  signal: AbortSignal;
  /** Cuts the reader's connection: an orderly end would wait behind what it does not take. */
  cut: () => void;
};

/** The connection under a request. Without one (a request that came over no wire) there is nothing to cut. */
export function cutOf(c: Context): () => void {
  const { outgoing } = (c.env ?? {}) as { outgoing?: { destroy(): void } };
  return () => outgoing?.destroy();
}

/**
 * An answer of server-sent events, produced by `produce` until it returns or the reader goes. Per reader, memory is
 * bounded by `maxBehindBytes` and one message, whatever the reader does.
 */
export function serveSse(
  { log }: { log: Log },
  { stallMs, signal, cut }: Input,
  produce: (sse: Sse) => Promise<void>,
): Response {
  const ended = new AbortController();
  const closed = AbortSignal.any([ended.signal, signal]);
  let isCancelled = false;
  let room = Promise.withResolvers<void>();
  const encoder = new TextEncoder();
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: maxBehindBytes });
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = async (text: string) => {
          while ((controller.desiredSize ?? 0) <= 0 && !closed.aborted) {
            if (await isSettledWithin(room.promise, stallMs, closed)) continue;
            if (!closed.aborted) cut();
            ended.abort();
          }
          if (!closed.aborted) controller.enqueue(encoder.encode(text));
        };
        const sse: Sse = {
          closed,
          send: ({ event, data, id }) =>
            write(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
          comment: () => write(": \n\n"),
        };
        // A reader that may not read any more is closed like one that is done: it asks again and is told why.
        const failed = (error: unknown) => {
          if (!isProblem(error)) log.error("sse.failed", { error });
        };
        void produce(sse)
          .catch(failed)
          .finally(() => {
            if (!isCancelled) controller.close();
          });
      },
      pull() {
        room.resolve();
        room = Promise.withResolvers<void>();
      },
      cancel() {
        isCancelled = true;
        ended.abort();
      },
    },
    strategy,
  );
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
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
