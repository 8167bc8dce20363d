/** The least that could be a stream of events: what one says to it is echoed to all who read, by node:http alone. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const readers = new Set<ServerResponse>();

const server = createServer((request, answer) => {
  if (request.method === "GET") {
    answer.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    answer.flushHeaders();
    readers.add(answer);
    answer.on("close", () => readers.delete(answer));
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const message = `event: log\ndata: ${Buffer.concat(chunks).toString()}\n\n`;
    for (const reader of readers) reader.write(message);
    answer.writeHead(204).end();
  });
});
server.listen(0, "127.0.0.1", () =>
  console.log(
    JSON.stringify({ event: "listening", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  ),
);
