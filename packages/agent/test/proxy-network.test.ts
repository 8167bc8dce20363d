import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { ProxyAgent, type Dispatcher } from "undici";
import { describe, expect, it } from "vitest";
import { openProxy, post } from "./open-proxy.ts";
import type { Script } from "./stub-model.ts";

async function listening(server: Server, scheme: string): Promise<AsyncDisposable & { url: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** A far end whose certificate no authority signed. */
async function selfSigned(): Promise<AsyncDisposable & { url: string }> {
  const pem = await readFile(new URL("fixtures/self-signed.pem", import.meta.url), "utf8");
  return listening(
    createTlsServer({ key: pem, cert: pem }, (_request, response) => response.end("{}")),
    "https",
  );
}

/** A corporate proxy that opens no tunnel. */
function refusingProxy(status: number): Promise<AsyncDisposable & { url: string }> {
  const server = createServer();
  server.on("connect", (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`));
  return listening(server, "http");
}

function disposable<T extends Dispatcher>(dispatcher: T): T & AsyncDisposable {
  return Object.assign(dispatcher, { [Symbol.asyncDispose]: () => dispatcher.destroy() });
}

describe("a provider", () => {
  it("that redirects ends the run with where it points to, and costs nothing", async () => {
    const script: Script = (_request, response) =>
      void response.writeHead(308, { location: "https://elsewhere.example/v1/messages" }).end();
    await using opened = await openProxy(script);
    expect((await post(opened)).statusCode).toBe(503);
    expect(opened.proxy.state.ended).toMatchObject({ reason: "network", isPassing: false, status: 308 });
    expect(opened.proxy.state.ended?.detail).toContain("redirects (308) to https://elsewhere.example.");
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
  });

  it("behind a certificate that is not trusted ends the run at once, and costs nothing", async () => {
    await using server = await selfSigned();
    await using opened = await openProxy(undefined, { baseUrl: server.url });
    const startMs = performance.now();
    expect((await post(opened)).statusCode).toBe(503);
    expect(performance.now() - startMs, "no setting mends itself").toBeLessThan(5_000);
    expect(opened.proxy.state.ended).toMatchObject({ reason: "network", isPassing: false });
    expect(opened.proxy.state.ended?.detail).toMatch(/its certificate is not trusted.*NODE_EXTRA_CA_CERTS/);
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
    expect([...opened.spend.entries.values()]).toEqual([{ reserved: expect.any(Number) as number, settled: 0 }]);
  });

  it("behind a proxy that wants a login ends the run at once, and costs nothing", async () => {
    await using corporate = await refusingProxy(407);
    await using dispatcher = disposable(new ProxyAgent(corporate.url));
    await using opened = await openProxy(undefined, { baseUrl: "https://api.anthropic.com", dispatcher });
    expect((await post(opened)).statusCode).toBe(503);
    expect(opened.proxy.state.ended).toMatchObject({ reason: "network", isPassing: false });
    expect(opened.proxy.state.ended?.detail).toMatch(/the proxy answered 407.*http:\/\/user:password@host:port/);
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
  });
});
