import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

const login = { user: "ada", password: "p@ss word" };

/** An HTTP proxy with a login, which alone knows where the hosts of `ports` (`name:port`) stand on loopback. */
export async function startCompanyProxy(ports: Record<string, number>) {
  const asked: string[] = [];
  const expected = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
  const portFor = (incoming: IncomingMessage, target: string): number | null => {
    const isKnown = incoming.headers["proxy-authorization"] === expected;
    asked.push(`${incoming.method} ${target} ${isKnown ? "with" : "without"} login`);
    return isKnown ? (ports[target] ?? null) : null;
  };
  const sockets = new Set<Duplex>();
  const server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? "");
    const port = portFor(incoming, `${url.hostname}:${url.port || 80}`);
    if (port === null) return void answer.writeHead(407).end();
    request({ host: "127.0.0.1", port, path: url.pathname, agent: false }, (response) => response.pipe(answer)).end();
  });
  server.on("connect", (incoming: IncomingMessage, client: Duplex) => {
    sockets.add(client.on("error", () => client.destroy()));
    const port = portFor(incoming, incoming.url ?? "");
    if (port === null) return void client.end("HTTP/1.1 407 Login\r\ncontent-length: 0\r\n\r\n");
    const upstream = connect(port, "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    asked,
    url: `http://${login.user}:${encodeURIComponent(login.password)}@${address}`,
    urlWithoutLogin: `http://${address}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
