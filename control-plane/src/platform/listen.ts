import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import type { ServerType } from "@hono/node-server";
import { Problem } from "@feedback-chat/protocol/problem";

/** How long an answer that is under way may take when the server stops. */
const drainMs = 10_000;
/** For so long idle connections stay open then: a client that uses them often is told to leave by its next answer. */
const lingerMs = 250;

export type Door = {
  /** The address, with the port that the system gave for 0. */
  url: string;
  /**
   * No new connection. What is under way is answered, also what comes on a connection that was open already; each
   * answer says that it is its connection's last, so that a client with a pool goes elsewhere, not into a closed door.
   */
  close(): Promise<void>;
};

/** @throws Problem port_in_use, usage */
export async function listen(server: ServerType, { host, port }: { host: string; port: number }): Promise<Door> {
  const http = server as Server;
  const underWay = new Set<ServerResponse>();
  let isClosing = false;
  // Before the app's own listener, which may answer at once.
  http.prependListener("request", (_, answer) => {
    answer.shouldKeepAlive &&= !isClosing;
    underWay.add(answer);
    answer.once("close", () => underWay.delete(answer));
  });
  try {
    http.listen({ host, port });
    await once(http, "listening");
  } catch (error) {
    throw asListenProblem(error, { host, port });
  }
  return {
    url: urlOf(http, { host, port }),
    async close() {
      isClosing = true;
      for (const answer of underWay) answer.shouldKeepAlive = false;
      const closed = once(http, "close");
      // Not the server's own close(), which cuts idle connections at once: a request may be on its way on them.
      NetServer.prototype.close.call(http);
      // A connection becomes idle when its answer ends, and would be kept for seconds.
      const idleFromMs = performance.now() + lingerMs;
      const idle = setInterval(() => void (performance.now() > idleFromMs && http.closeIdleConnections()), 25);
      const timer = setTimeout(() => http.closeAllConnections(), drainMs);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
    },
  };
}

function asListenProblem(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new Problem("port_in_use", `Port ${port} on ${host} is held by another process.`, { cause: error });
  if (code === "EACCES" || code === "EADDRNOTAVAIL")
    return new Problem("usage", `The server may not listen on ${host}:${port} (${code}).`, {
      next: "Choose another PORT or HOST.",
      cause: error,
    });
  return error;
}

function urlOf(server: Server, { host, port }: { host: string; port: number }): string {
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host}:${actual}`;
}
