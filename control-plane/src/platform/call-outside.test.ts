import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { lookup } from "node:dns/promises";
import { isProblem } from "@feedback-chat/protocol/problem";
import { describe, expect, it } from "vitest";
import { addressRules } from "./address-rules.ts";
import { callOutside, checkOutside, type Outside } from "./call-outside.ts";

const open: Outside = { rules: addressRules(["127.0.0.1"]), lookup };
const shut: Outside = { rules: addressRules([]), lookup };
const resolving =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

type Listening = AsyncDisposable & { port: number; connections: () => number };

async function listenWith(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Listening> {
  let connections = 0;
  const server: Server = createServer(answer).on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port: (server.address() as AddressInfo).port, connections: () => connections, [Symbol.asyncDispose]: close };
}

function post(deps: Outside, url: string, headers = {}) {
  return callOutside(deps, { url, method: "POST", headers, body: "hello" });
}
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => (isProblem(error) ? error.code : String(error)),
  );

describe("requests to addresses that others chose", () => {
  it("case 34: connect neither to loopback nor to the cloud's own addresses, however they are written", async () => {
    await using server = await listenWith((_, response) => response.end("secret"));
    const hosts = [
      "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]",
      "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254",
    ]; // prettier-ignore
    for (const host of hosts) {
      const url = `http://${host}:${server.port}/`;
      expect([host, await codeOf(post(shut, url))]).toEqual([host, "endpoint_not_allowed"]);
      expect([host, await codeOf(checkOutside(shut, url))]).toEqual([host, "endpoint_not_allowed"]);
    }
    expect(server.connections()).toBe(0);
    // The same server is there for those who may.
    expect(await post(open, `http://127.0.0.1:${server.port}/`)).toEqual({ status: 200, body: "secret" });
    expect(server.connections()).toBe(1);
  });

  it("refuses a name when one of its addresses is closed", async () => {
    const deps = { ...shut, lookup: resolving("1.1.1.1", "10.0.0.1") };
    expect(await codeOf(post(deps, "http://evil.example/"))).toBe("endpoint_not_allowed");
    expect(await codeOf(checkOutside(deps, "http://evil.example/"))).toBe("endpoint_not_allowed");
  });

  it("connects to the address that it checked, and asks for the name once", async () => {
    await using server = await listenWith((request, response) => response.end(request.headers.host));
    const asked: string[] = [];
    const rebinding = async (name: string) => {
      asked.push(name);
      return [{ address: asked.length === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
    };
    const answer = await post({ ...open, lookup: rebinding }, `http://hooks.example:${server.port}/`);
    expect(answer.body).toBe(`hooks.example:${server.port}`);
    expect(asked).toEqual(["hooks.example"]);
  });

  it("checks each redirect, and takes only those that keep the request", async () => {
    await using server = await listenWith((request, response) => {
      const to = { "/away": "http://169.254.169.254/latest", "/back": "/end", "/loop": "/loop", "/other": "/end" }[
        request.url ?? ""
      ];
      response.writeHead(
        request.url === "/end" ? 200 : request.url === "/other" ? 302 : 307,
        to ? { location: to } : {},
      );
      request.pipe(response);
    });
    const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;
    expect(await codeOf(post(open, url("/away")))).toBe("endpoint_not_allowed");
    expect(await post(open, url("/back"))).toEqual({ status: 200, body: "hello" });
    expect((await post(open, url("/loop"))).status).toBe(307);
    expect((await post(open, url("/other"))).status).toBe(302);
  });

  it("reads 64 KiB of an answer that has no end", async () => {
    await using server = await listenWith((_, response) => {
      const more = () => {
        while (response.write("x".repeat(16_384)));
      };
      response.on("drain", more);
      more();
    });
    expect((await post(open, `http://127.0.0.1:${server.port}/`)).body.length).toBe(65_536);
  });

  it("waits five seconds for an answer, and says so", async () => {
    await using server = await listenWith(() => undefined);
    const started = performance.now();
    const failed = await post(open, `http://127.0.0.1:${server.port}/`).catch((error: unknown) => error);
    expect(isProblem(failed, "network") && failed.message).toContain("five seconds");
    expect(performance.now() - started).toBeLessThan(6_500);
  }, 10_000);

  it("tells what could not be reached", async () => {
    await using gone = await listenWith(() => undefined);
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    expect(await codeOf(post(open, `http://127.0.0.1:${port}/`))).toBe("network");
    const nowhere = { ...open, lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })) };
    expect(await codeOf(post(nowhere, "http://nowhere.invalid/"))).toBe("network");
    expect(await codeOf(checkOutside(nowhere, "http://nowhere.invalid/"))).toBe("endpoint_not_allowed");
  });

  it.each(["ftp://1.1.1.1/", "file:///etc/passwd", "http://user:word@1.1.1.1/", "nonsense", "http:///"])(
    "refuses %s",
    async (url) => {
      expect(await codeOf(checkOutside(shut, url))).toBe("endpoint_not_allowed");
    },
  );
});
