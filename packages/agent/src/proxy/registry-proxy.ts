import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { chmod, readFile } from "node:fs/promises";
import { createServer, request, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import tls from "node:tls";
import { noProxies } from "@feedback-chat/protocol/http-proxies";
import type { NetworkFacts } from "../ports/network.ts";
import type { OpenRegistry, RegistryHost } from "../ports/registry.ts";
import { type Reach, reachRegistry } from "./reach-registry.ts";
import { requestThrough, tunnelThrough } from "./through-proxy.ts";

export type RegistryProxyInput = Parameters<OpenRegistry>[0] & {
  /** This machine's proxies and own authorities; none unless given. */
  network?: Pick<NetworkFacts, "httpProxies" | "ownCertificatesFile">;
};

const maxBytes = 4 * 1024 ** 3;

/**
 * Opens the only exit of the fetch sandbox: a proxy on a unix socket that reaches the hosts of the lockfile and no
 * other, and none inside our own network unless `allowsPrivate`. No credential passes through it.
 */
export async function openRegistryProxy(input: RegistryProxyInput): ReturnType<OpenRegistry> {
  const sockets = new Set<Duplex>();
  let leftBytes = maxBytes;
  const count: Count = (bytes) => (leftBytes -= bytes) >= 0;
  const { httpProxies = noProxies, ownCertificatesFile = null } = input.network ?? {};
  const reach = reachRegistry({ ...input, httpProxies, resolve: (name) => lookup(name, { all: true }) });
  const certificates = ownCertificatesFile === null ? null : await allCertificates(ownCertificatesFile);
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
    certificates,
    atRefusal: reach.atRefusal,
    refused: reach.refused,
    unreached: reach.unreached,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** False when all was used that one install may fetch. */
type Count = (bytes: number) => boolean;

async function tunnel(
  { incoming, client, head }: { incoming: IncomingMessage; client: Duplex; head: Buffer },
  reach: Reach,
  count: Count,
): Promise<void> {
  const match = /^([A-Za-z0-9.-]+|\[[\da-f:.]+\]):(\d{1,5})$/.exec(incoming.url ?? "");
  const wanted: RegistryHost | null = match
    ? { protocol: "https:", hostname: (match[1] ?? "").toLowerCase(), port: Number(match[2]) }
    : null;
  const upstream = wanted && (await noting(reach, wanted, () => dial(wanted, client, reach)));
  if (!upstream) {
    client.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  upstream.on("data", (chunk: Buffer) => count(chunk.length) || upstream.destroy());
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) upstream.write(head);
  client.pipe(upstream).pipe(client);
}

async function dial(wanted: RegistryHost, client: Duplex, reach: Reach): Promise<Duplex | null> {
  const way = await reach.to(wanted);
  if (way === null) return null;
  const upstream =
    way.proxy === null
      ? connect({ ...way, port: wanted.port })
      : await tunnelThrough(way.proxy, { ...wanted, hostname: inAddress(way.host) });
  upstream.on("error", () => client.destroy());
  client.on("close", () => upstream.destroy());
  if (way.proxy === null) await once(upstream, "connect");
  return upstream;
}

function inAddress(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function at(url: URL, host: string): URL {
  const moved = new URL(url);
  moved.hostname = inAddress(host);
  return moved;
}

/** A registry without TLS, such as one on the worker's own machine: the address comes whole in the request line. */
async function forward(
  { incoming, answer }: { incoming: IncomingMessage; answer: ServerResponse },
  reach: Reach,
  count: Count,
): Promise<void> {
  const url = URL.canParse(incoming.url ?? "") ? new URL(incoming.url ?? "") : null;
  const isPlain = url?.protocol === "http:" && (incoming.method === "GET" || incoming.method === "HEAD");
  const wanted: RegistryHost | null =
    url && isPlain ? { protocol: "http:", hostname: url.hostname, port: Number(url.port || 80) } : null;
  const way = wanted && (await noting(reach, wanted, () => reach.to(wanted)));
  if (!url || !wanted || way === null) {
    answer.writeHead(403).end();
    return;
  }
  const method = incoming.method ?? "GET";
  const { accept, "accept-encoding": encoding } = incoming.headers;
  const headers = {
    host: url.host,
    ...(accept ? { accept } : {}),
    ...(encoding ? { "accept-encoding": encoding } : {}),
  };
  const upstream =
    way.proxy === null
      ? request({ ...way, agent: false, port: wanted.port, path: `${url.pathname}${url.search}`, method, headers })
      : requestThrough(way.proxy, { url: at(url, way.host), method, headers });
  answer.on("close", () => upstream.destroy());
  upstream.end();
  // What comes instead of an answer, or of the rest of one, ends this connection and nothing else.
  const answered = noting(reach, wanted, () => Promise.race([once(upstream, "response"), broken(upstream)]));
  const [response] = (await answered) as [IncomingMessage];
  answer.writeHead(response.statusCode ?? 502, response.headers);
  response.on("data", (chunk: Buffer) => count(chunk.length) || upstream.destroy());
  await pipeline(response, answer);
}

/** What programs trust whose list a file replaces: the user's own authorities, and all that the system and Node know. */
async function allCertificates(ownFile: string): Promise<string> {
  const known = [...tls.getCACertificates("system"), ...tls.getCACertificates("bundled")];
  return [await readFile(ownFile, "utf8"), ...new Set(known)].map((one) => `${one.trimEnd()}\n`).join("");
}

/** Keeps why a named host was not reached, for the person who reads why the install failed. */
async function noting<T>(reach: Reach, wanted: RegistryHost, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    reach.failed(wanted, error);
    throw error;
  }
}

/** An upgrade that nobody asked for, or the end without an answer. */
async function broken(upstream: ClientRequest): Promise<never> {
  await Promise.race([once(upstream, "upgrade"), once(upstream, "close")]);
  upstream.destroy();
  throw new Error("the registry gave no answer");
}
