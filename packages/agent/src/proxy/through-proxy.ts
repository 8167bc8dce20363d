import { once } from "node:events";
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import type { RegistryHost } from "../ports/registry.ts";

const connectMs = 10_000;

/** Opens a connection to a host through an HTTP proxy (`http:` or `https:`, with or without user and password). */
export async function tunnelThrough(proxy: string, { hostname, port }: RegistryHost): Promise<Duplex> {
  const path = `${hostname}:${port}`;
  const { headers, ...to } = proxyOptions(proxy);
  const asked = (proxy.startsWith("https:") ? https : http).request({
    ...to,
    method: "CONNECT",
    path,
    headers: { ...headers, host: path },
    timeout: connectMs,
  });
  asked.on("timeout", () => asked.destroy(Object.assign(new Error("the proxy did not answer"), { code: "ETIMEDOUT" })));
  asked.end();
  const [answer, socket, head] = (await once(asked, "connect")) as [IncomingMessage, Duplex, Buffer];
  if (answer.statusCode !== 200) {
    socket.destroy();
    throw new Error(`Proxy response (${answer.statusCode})`);
  }
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** Starts a plain request through a proxy: its path is the whole address. */
export function requestThrough(
  proxy: string,
  { url, method, headers: own }: { url: URL; method: string; headers: Record<string, string> },
): ClientRequest {
  const { headers, ...to } = proxyOptions(proxy);
  const client = proxy.startsWith("https:") ? https : http;
  return client.request({ ...to, method, path: url.href, headers: { ...own, ...headers } });
}

function proxyOptions(proxy: string): Omit<RequestOptions, "headers"> & { headers: Record<string, string> } {
  const { protocol, hostname, port, username, password } = new URL(proxy);
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const isNamed = username !== "" || password !== "";
  return {
    protocol,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    agent: false,
    headers: isNamed ? { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` } : {},
  };
}
