import type { ServerResponse } from "node:http";

/** Where the bytes of one stream go. */
export type Sink = {
  /** What was written and is not taken yet. */
  behindBytes(): number;
  write(bytes: Uint8Array): void;
  /** Resolves when the reader has taken something; never, if it does not. */
  drained(): Promise<void>;
  /** Calls back when the reader has gone. */
  whenGone(gone: () => void): void;
  end(): void;
};

/** A node connection. */
export function wireSink(wire: ServerResponse): Sink {
  return {
    behindBytes: () => wire.writableLength,
    write: (bytes) => void wire.write(bytes),
    drained: () => new Promise((resolve) => void wire.once("drain", resolve)),
    whenGone(gone) {
      // One that broke has gone too, and it may have done so before we came.
      wire.once("close", gone).on("error", gone);
      if (wire.destroyed) gone();
    },
    end: () => void wire.end(),
  };
}

/** A web stream. `begin` is called when it is first read: one that nobody reads costs nothing. */
export function bodySink(begin: () => void): { body: ReadableStream<Uint8Array>; sink: Sink } {
  let queue: ReadableStreamDefaultController<Uint8Array> | undefined;
  let room = Promise.withResolvers<void>();
  let hasBegun = false;
  let isGone = false;
  let whenGone = () => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        queue = controller;
      },
      pull() {
        if (!hasBegun) begin();
        hasBegun = true;
        room.resolve();
        room = Promise.withResolvers<void>();
      },
      cancel() {
        isGone = true;
        whenGone();
      },
    },
    // It is asked for more only when a reader waits: `desiredSize` below 0 is what lies there.
    new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
  );
  const sink: Sink = {
    behindBytes: () => -(queue?.desiredSize ?? 0),
    write: (bytes) => queue?.enqueue(bytes),
    drained: () => room.promise,
    whenGone: (gone) => void (whenGone = gone),
    end: () => void (isGone || queue?.close()),
  };
  return { body, sink };
}
