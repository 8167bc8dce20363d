import { once } from "node:events";
import type { Server } from "node:http";
import type { ServerType } from "@hono/node-server";
import { Problem } from "@feedback-chat/protocol/problem";

/** How long an answer that is under way may take when the server stops. */
const drainMs = 10_000;

/**
 * @returns the address, with the port that the system gave for 0.
 * @throws Problem port_in_use
 */
export async function listen(server: ServerType, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new Problem("port_in_use", `Port ${port} on ${host} is held by another process.`, {
        cause: error,
      });
    if (code === "EACCES" || code === "EADDRNOTAVAIL")
      throw new Problem("usage", `The server may not listen on ${host}:${port} (${code}).`, {
        next: "Choose another PORT or HOST.",
        cause: error,
      });
    throw error;
  }
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host}:${actual}`;
}

/** No new request; those that are under way are answered, but not for ever. */
export async function closeServer(server: ServerType): Promise<void> {
  const { closeAllConnections, closeIdleConnections } = server as Server;
  const closed = once(server, "close");
  server.close();
  // A connection becomes idle when its answer ends, and would be kept for seconds.
  closeIdleConnections.call(server);
  const idle = setInterval(() => closeIdleConnections.call(server), 25);
  const timer = setTimeout(() => closeAllConnections.call(server), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
