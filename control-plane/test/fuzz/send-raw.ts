import { once } from "node:events";
import { connect } from "node:net";

export type RawRequest = {
  method: string;
  /** Path and query as they stand on the wire. */
  path: string;
  /** In this order; the same name may come twice. */
  headers: [string, string][];
  body: Buffer | null;
};
export type RawAnswer = { status: number; type: string; text: string };

/** One request, byte for byte as told, on a connection of its own. A stream of events is left after its head. */
export async function sendRaw(port: number, { method, path, headers, body }: RawRequest): Promise<RawAnswer> {
  const lines = [
    `${method} ${path} HTTP/1.1`, "Host: fuzz", "Connection: close",
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === null ? [] : [`Content-Length: ${body.length}`]),
  ]; // prettier-ignore
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    if (/^content-type: text\/event-stream/im.test(headOf(chunks))) ended.resolve();
  });
  // A server that refuses a body early cuts while we still write it: what it answered counts.
  socket.on("error", () => ended.resolve()).once("close", () => ended.resolve());
  await once(socket, "connect");
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body ?? Buffer.alloc(0)]));
  await ended.promise;
  socket.destroy();
  const head = headOf(chunks);
  const rest = Buffer.concat(chunks).subarray(Buffer.byteLength(head, "latin1") + 4);
  const isChunked = /^transfer-encoding: chunked/im.test(head);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    type: /^content-type: ([^\r\n;]*)/im.exec(head)?.[1] ?? "",
    text: (isChunked ? unchunked(rest) : rest).toString("utf8"),
  };
}

function headOf(chunks: Buffer[]): string {
  const text = Buffer.concat(chunks).toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  return end === -1 ? text : text.slice(0, end);
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    if (lineEnd === -1 || !(size > 0)) break;
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
