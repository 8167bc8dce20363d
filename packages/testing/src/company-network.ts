import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { makeAuthority } from "./make-authority.ts";

export type CompanyNetwork = Awaited<ReturnType<typeof openCompanyNetwork>>;

/**
 * A company's network: a GitHub Enterprise at `https://github.corp.test` with the API at `/api/v3` and a certificate of
 * the company's authority. The name is known to nobody but the company's HTTP proxy, which wants a login. `githubUrl` is
 * the stand-in that really answers.
 */
export async function openCompanyNetwork(folder: string, githubUrl: string) {
  const host = "github.corp.test";
  const { authorityFile, key, cert } = makeAuthority(folder, host);
  const front = createTlsServer({ key, cert }, (incoming, answer) => passOn(incoming, answer, githubUrl));
  await listen(front);
  const ports: Record<string, number> = { [`${host}:443`]: portOf(front) };
  const proxy = await startProxy(ports);
  return {
    origin: `https://${host}`,
    authorityFile,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      front.closeAllConnections();
      front.close();
      await once(front, "close");
    },
  };
}

const login = { user: "ada", password: `proxy-${crypto.randomUUID()}` };

/** Tunnels to the hosts of `ports`, for those who show the login; answers 503 to everything else, as squid does. */
async function startProxy(ports: Readonly<Record<string, number>>) {
  const asked: { target: string; status: number }[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((incoming, answer) => {
    asked.push({ target: incoming.url ?? "", status: 503 });
    answer.writeHead(503).end();
  });
  server.on("connect", (incoming: IncomingMessage, client: Duplex) => {
    sockets.add(client.on("error", () => client.destroy()));
    const basic = Buffer.from(`${login.user}:${login.password}`).toString("base64");
    const port = ports[incoming.url ?? ""];
    const status = incoming.headers["proxy-authorization"] !== `Basic ${basic}` ? 407 : port === undefined ? 503 : 200;
    asked.push({ target: incoming.url ?? "", status });
    if (status === 200 && port !== undefined) return tunnel(client, port);
    client.end(
      `HTTP/1.1 ${status} Refused\r\nproxy-authenticate: Basic realm="proxy"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
  });
  await listen(server);
  const address = `127.0.0.1:${portOf(server)}`;
  return {
    asked: asked as readonly { target: string; status: number }[],
    url: `http://${login.user}:${login.password}@${address}`,
    password: login.password,
    urlWithoutLogin: `http://${address}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function tunnel(client: Duplex, port: number): void {
  const upstream = connect(port, "127.0.0.1", () => client.write("HTTP/1.1 200 Connection established\r\n\r\n"));
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  client.pipe(upstream).pipe(client);
}

/** As an Enterprise Server: below `/api/v3` is the API, beside it are pages and git. */
function passOn(incoming: IncomingMessage, answer: ServerResponse, githubUrl: string): void {
  const path = (incoming.url ?? "/").replace(/^\/api\/v3(?=\/)/, "");
  const { hostname, port } = new URL(githubUrl);
  const { method, headers } = incoming;
  const upstream = request({ hostname, port, path, method, headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  upstream.on("error", () => answer.destroy());
  incoming.pipe(upstream);
}

async function listen(server: ReturnType<typeof createServer>): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}
