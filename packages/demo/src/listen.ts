import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";

/** `cut` ends the connection after what was written so far, in mid-answer. */
export type Connection = { cut(): void };
export type Listening = { url: string; close(): Promise<void> };

/**
 * Listens on loopback. A request is handled when all of it is here: what was held at a breakpoint is carried out
 * after its release even if its sender was killed meanwhile, as a far end would. "drop" cuts the connection without an answer, as a far end does that dies.
 * `close` does not wait for clients: what is still open is cut.
 */
export async function listen(
  port: number,
  handle: (request: Request, connection: Connection) => Promise<Response | "drop">,
): Promise<Listening> {
  const listener = getRequestListener(async (request, env) => {
    const { outgoing } = env as HttpBindings;
    const whole = await receive(request);
    const answer = whole === "gone" ? "drop" : await handle(whole, { cut: () => outgoing.socket?.destroySoon() });
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

async function receive(request: Request): Promise<Request | "gone"> {
  if (request.method === "GET" || request.method === "HEAD") return request;
  const { method, headers, url } = request;
  return request.arrayBuffer().then(
    (body) => new Request(url, { method, headers, body }),
    // The sender went away in mid-body: there is nobody to answer and nothing to do.
    () => "gone" as const,
  );
}
