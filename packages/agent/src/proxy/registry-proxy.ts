import { lookup } from "node:dns/promises";
import { chmod } from "node:fs/promises";
import { createServer, request, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { BlockList, connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import type { OpenRegistry, RegistryHost } from "../ports/registry.ts";

const maxBytes = 4 * 1024 ** 3;

/**
 * The only exit of the fetch sandbox: a proxy on a unix socket that reaches the hosts of the lockfile and no other, and
 * none that stands inside our own network unless `allowsPrivate`. No credential passes through it.
 */
export async function openRegistryProxy(input: Parameters<OpenRegistry>[0]): ReturnType<OpenRegistry> {
  const refused = new Set<string>();
  const sockets = new Set<Duplex>();
  let leftBytes = maxBytes;
  const count: Count = (bytes) => (leftBytes -= bytes) >= 0;
  const reach = async (wanted: RegistryHost): Promise<string | null> => {
    const isNamed = input.hosts.some(
      (host) => host.protocol === wanted.protocol && host.hostname === wanted.hostname && host.port === wanted.port,
    );
    const address = isNamed ? await addressOf(wanted.hostname, input.allowsPrivate) : null;
    if (address === null) refused.add(`${wanted.hostname}:${wanted.port}`.slice(0, 200));
    return address;
  };
  const server = createServer(
    (incoming, answer) => void forward({ incoming, answer }, reach, count).catch(() => answer.destroy()),
  );
  server.on("connect", (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    sockets.add(client);
    client.on("error", () => client.destroy());
    void tunnel({ incoming, client, head }, reach, count).catch(() => client.destroy());
  });
  server.listen(input.socketPath);
  await once(server, "listening");
  // The folder is the sandbox user's alone; connecting needs the right to write.
  await chmod(input.socketPath, 0o666);
  return {
    refused: () => [...refused],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Reach = (host: RegistryHost) => Promise<string | null>;
/** False when all was used that one install may fetch. */
type Count = (bytes: number) => boolean;

async function tunnel(
  { incoming, client, head }: { incoming: IncomingMessage; client: Duplex; head: Buffer },
  reach: Reach,
  count: Count,
): Promise<void> {
  const match = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(incoming.url ?? "");
  const wanted: RegistryHost | null = match
    ? { protocol: "https:", hostname: (match[1] ?? "").toLowerCase(), port: Number(match[2]) }
    : null;
  const address = wanted && (await reach(wanted));
  if (!wanted || address === null) {
    client.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const upstream = connect({ host: address, port: wanted.port });
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  await once(upstream, "connect");
  upstream.on("data", (chunk: Buffer) => count(chunk.length) || upstream.destroy());
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) upstream.write(head);
  client.pipe(upstream).pipe(client);
}

/** A registry without TLS, such as one on the worker's own machine: the address comes whole in the request line. */
async function forward(
  { incoming, answer }: { incoming: IncomingMessage; answer: ServerResponse },
  reach: Reach,
  count: Count,
): Promise<void> {
  const url = URL.canParse(incoming.url ?? "") ? new URL(incoming.url ?? "") : null;
  const isPlain = url?.protocol === "http:" && (incoming.method === "GET" || incoming.method === "HEAD");
  const address =
    url && isPlain ? await reach({ protocol: "http:", hostname: url.hostname, port: Number(url.port || 80) }) : null;
  if (!url || address === null) {
    answer.writeHead(403).end();
    return;
  }
  const { accept, "accept-encoding": encoding } = incoming.headers;
  const headers = {
    host: url.host,
    ...(accept ? { accept } : {}),
    ...(encoding ? { "accept-encoding": encoding } : {}),
  };
  const upstream = request({
    host: address,
    port: Number(url.port || 80),
    path: `${url.pathname}${url.search}`,
    method: incoming.method,
    headers,
  });
  answer.on("close", () => upstream.destroy());
  upstream.end();
  // What comes instead of an answer, or of the rest of one, ends this connection and nothing else.
  const [response] = (await Promise.race([once(upstream, "response"), broken(upstream)])) as [IncomingMessage];
  answer.writeHead(response.statusCode ?? 502, response.headers);
  response.on("data", (chunk: Buffer) => count(chunk.length) || upstream.destroy());
  await pipeline(response, answer);
}

/** An upgrade that nobody asked for, or the end without an answer. */
async function broken(upstream: ClientRequest): Promise<never> {
  await Promise.race([once(upstream, "upgrade"), once(upstream, "close")]);
  upstream.destroy();
  throw new Error("the registry gave no answer");
}

/** Looked up once and connected to by number, so that no second answer of the name server leads elsewhere. */
async function addressOf(hostname: string, allowsPrivate: boolean): Promise<string | null> {
  const { address } = await lookup(hostname);
  return allowsPrivate || !isPrivate(address) ? address : null;
}

function isPrivate(address: string): boolean {
  return inside.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** What is not the public internet, and the one public address at which a cloud (Azure) tells a machine its secrets. */
const inside = new BlockList();
for (const [net, bits] of [["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["168.63.129.16", 32], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["224.0.0.0", 4], ["240.0.0.0", 4]] as const) inside.addSubnet(net, bits, "ipv4"); // prettier-ignore
// All but what is given out (2000::/3), and in that the ways to carry IPv4 inside IPv6.
for (const [net, bits] of [["::", 3], ["4000::", 2], ["8000::", 1], ["2001::", 23], ["2002::", 16]] as const) inside.addSubnet(net, bits, "ipv6"); // prettier-ignore
