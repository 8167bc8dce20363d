import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";

export type IdleCutter = AsyncDisposable & { url: string; cuts: () => number };

/** A reverse proxy like those in front of many servers: it cuts a connection on which nothing came for `idleMs`. */
export async function openIdleCutter(target: string, idleMs: number): Promise<IdleCutter> {
  let cuts = 0;
  const server = createServer((incoming, answer) => {
    const upstream = request(new URL(incoming.url ?? "/", target), {
      method: incoming.method ?? "GET",
      headers: { ...incoming.headers, host: new URL(target).host },
      agent: false,
    });
    const cut = () => {
      cuts += 1;
      answer.destroy();
    };
    let timer: NodeJS.Timeout | undefined;
    const forward = (response: IncomingMessage) => {
      answer.writeHead(response.statusCode ?? 502, response.headers).flushHeaders();
      timer = setTimeout(cut, idleMs);
      response.on("data", () => timer?.refresh());
      response.on("error", () => answer.destroy());
      response.pipe(answer);
    };
    answer.on("close", () => {
      clearTimeout(timer);
      upstream.destroy();
    });
    upstream.on("response", forward).on("error", () => answer.destroy());
    incoming.pipe(upstream);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
