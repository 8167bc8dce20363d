/** Started by stream-readers.ts: many readers of event streams, in a process of their own. */
import { connect, type Socket } from "node:net";
import type { Reader, ReaderOrder, ReadersSeen } from "./stream-readers.ts";

const openedAtOnce = 50;
/** What a line of the bench's carries: when it was written, in milliseconds of the machine's clock. */
const stamp = /t:(\d+(?:\.\d+)?);/g;

const sockets: Socket[] = [];
let seen: ReadersSeen = { latenciesMs: [], ended: 0 };

process.on("message", (order: ReaderOrder) => {
  carryOut(order).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ trouble: String(error) }),
  );
});

async function carryOut(order: ReaderOrder): Promise<ReadersSeen> {
  if (order.kind === "close") for (const socket of sockets.splice(0)) socket.destroy();
  if (order.kind === "open") {
    const left = order.readers.values();
    await Promise.all(
      Array.from({ length: openedAtOnce }, async () => {
        for (const reader of left) await open(order.url, reader);
      }),
    );
  }
  const taken = seen;
  seen = { latenciesMs: [], ended: 0 };
  return taken;
}

/** Asks by hand, so that ten thousand of them take little of this machine. Resolves when the stream has begun. */
function open(url: string, { path, key }: Reader): Promise<void> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname);
  const openedMs = performance.timeOrigin + performance.now();
  let [rest, isOpen] = ["", false];
  socket.setEncoding("latin1").setNoDelay(true);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  socket.on("data", (chunk: string) => {
    const nowMs = performance.timeOrigin + performance.now();
    const text = rest + chunk;
    if (!isOpen && !text.includes("\r\n\r\n")) rest = text;
    else {
      if (!isOpen && !text.startsWith("HTTP/1.1 200 ")) reject(new Error(text.slice(0, 500)));
      isOpen = true;
      resolve();
      // What was written before this reader came waited for nobody.
      for (const [, at] of text.matchAll(stamp)) if (Number(at) > openedMs) seen.latenciesMs.push(nowMs - Number(at));
      rest = text.slice(Math.max(0, text.length - 40)).replace(stamp, "");
    }
  });
  socket.on("error", reject);
  socket.on("close", () => {
    if (sockets.includes(socket)) seen.ended += 1;
    reject(new Error("The stream was closed."));
  });
  sockets.push(socket);
  return promise;
}
