import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";

export type Listening = { url: string; close(): Promise<void> };

/**
 * Listens on loopback. "drop" cuts the connection without an answer, as a far end does that dies.
 * `close` does not wait for clients: what is still open is cut.
 */
export async function listen(
  port: number,
  handle: (request: Request) => Promise<Response | "drop">,
): Promise<Listening> {
  const listener = getRequestListener(async (request, env) => {
    const { outgoing } = env as HttpBindings;
    const answer = await handle(request);
    if (answer !== "drop") return answer;
    outgoing.socket?.destroy();
    return new Response(null, { headers: { "x-hono-already-sent": "true" } });
  });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  const ready = Promise.withResolvers<void>();
  server.once("error", ready.reject);
  server.listen(port, "127.0.0.1", () => ready.resolve());
  await ready.promise;
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      return closed.promise;
    },
  };
}
