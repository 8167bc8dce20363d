import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startCompanyProxy } from "./company-proxy.ts";
import { openedRegistries } from "../src/core/opened-registries.ts";
import { openRegistryProxy, type RegistryProxyInput } from "../src/proxy/registry-proxy.ts";
import type { RegistryHost } from "../src/ports/registry.ts";

async function open(
  hosts: RegistryHost[],
  allowsPrivate = false,
  opened: string[] = [],
  network?: RegistryProxyInput["network"],
) {
  const folder = await mkdtemp("/tmp/fcr-");
  const socketPath = join(folder, "registry.sock");
  const exit = await openRegistryProxy({
    socketPath,
    hosts,
    allowsPrivate,
    opened: openedRegistries(opened),
    ...(network ? { network } : {}),
  });
  return {
    exit,
    /** What came back until the other side ended it; "" when nothing did. */
    say: async (bytes: string): Promise<string> => {
      const socket = connect(socketPath);
      socket.setTimeout(5_000, () => socket.destroy(new Error("no end came")));
      socket.write(bytes);
      let said = "";
      socket.on("data", (chunk) => (said += chunk.toString("latin1")));
      await once(socket, "close");
      return said;
    },
    async [Symbol.asyncDispose]() {
      await exit[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** A registry without TLS that answers each connection with these bytes, and hangs up. */
async function registry(bytes: string) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end(bytes, "latin1"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

const get = (host: string) => `GET http://${host}/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
const tunnel = (host: string) => `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;

describe("the exit of the fetch sandbox", () => {
  it.each([
    "127.0.0.1", "169.254.169.254", "168.63.129.16", "100.100.100.200", "0.0.0.0", "10.0.0.1", "192.168.1.1", "192.0.0.192", "198.18.0.1",
  ])("leads to no %s, although the lockfile names it", async (hostname) => {
    await using plain = await open([{ protocol: "http:", hostname, port: 80 }]);
    expect(await plain.say(get(hostname))).toMatch(/^HTTP\/1.1 403 /);
    await using secure = await open([{ protocol: "https:", hostname, port: 443 }]);
    expect(await secure.say(tunnel(`${hostname}:443`))).toMatch(/^HTTP\/1.1 403 /);
    expect(secure.exit.refused()).toEqual([{ host: `${hostname}:443`, why: "not_public" }]);
  }); // prettier-ignore

  it("leads nowhere that the lockfile does not name: another host, port, scheme or spelling", async () => {
    await using opened = await open([{ protocol: "https:", hostname: "registry.example", port: 443 }]);
    for (const bytes of [
      tunnel("evil.example:443"), tunnel("registry.example:80"), tunnel("registry.example:443@evil.example:443"), tunnel("[::1]:443"),
      get("registry.example"), get("evil.example"), get("registry.example").replace("GET", "POST"), get("x").replace("http://x/x", "/x"),
    ])
      expect(await opened.say(bytes), bytes).toMatch(/^HTTP\/1.1 403 /);
  }); // prettier-ignore

  it("leads into the owner's own network where the owner opened it", async () => {
    await using far = await registry("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const host = { protocol: "http:", hostname: "127.0.0.1", port: far.port } as const;
    await using opened = await open([host], false, [`127.0.0.0/8:${far.port}`]);
    expect(await opened.say(get(`127.0.0.1:${far.port}`))).toMatch(/^HTTP\/1.1 200 OK/);
    for (const entry of [`10.0.0.0/8:${far.port}`, "127.0.0.1", `127.0.0.1:${far.port - 1}`]) {
      await using shut = await open([host], false, [entry]);
      expect(await shut.say(get(`127.0.0.1:${far.port}`)), entry).toMatch(/^HTTP\/1.1 403 /);
    }
  });

  it("says which named host it could not reach, and why", async () => {
    let port = 0;
    {
      await using closed = await registry("");
      port = closed.port;
    }
    await using secure = await open([{ protocol: "https:", hostname: "127.0.0.1", port }], true);
    await secure.say(tunnel(`127.0.0.1:${port}`));
    await using plain = await open([{ protocol: "http:", hostname: "127.0.0.1", port }], true);
    await plain.say(get(`127.0.0.1:${port}`));
    for (const { exit } of [secure, plain]) {
      expect(exit.unreached()).toEqual([`127.0.0.1:${port}: the connection was refused (ECONNREFUSED)`]);
      expect(exit.refused()).toEqual([]);
    }
  });

  it("passes an answer on, and lives on after answers that are none", async () => {
    for (const [bytes, expected] of [
      ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", /^HTTP\/1.1 200 OK[^]*ok$/],
      ["HTTP/1.1 099 X\r\ncontent-length: 2\r\n\r\nno", /^(?!HTTP\/1.1 200)/],
      ["HTTP/1.1 000 X\r\ncontent-length: 2\r\n\r\nno", /^(?!HTTP\/1.1 200)/],
      ["HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", /^(?!HTTP\/1.1 200)/],
      ["HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\ncut", /^(?![^]*\r\n\r\n.{200})/],
      ["no HTTP at all\r\n\r\n", /^(?!HTTP\/1.1 200)/],
    ] as const) {
      await using far = await registry(bytes);
      const host = { protocol: "http:", hostname: "127.0.0.1", port: far.port } as const;
      await using opened = await open([host], true);
      expect(await opened.say(get(`127.0.0.1:${far.port}`)), bytes).toMatch(expected);
    }
  });

  describe("behind a company's proxy", () => {
    const named = (protocol: "http:" | "https:", hostname: string, port: number) => ({ protocol, hostname, port });
    const through = (proxy: string) => ({
      httpProxies: { httpProxy: proxy, httpsProxy: proxy, noProxy: "" },
      ownCertificatesFile: null,
    });

    it("goes through it, with its login, to hosts that the owner opened by name and that it alone resolves", async () => {
      await using far = await registry("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      const host = "registry.corp.invalid";
      await using company = await startCompanyProxy({ [`${host}:80`]: far.port, [`${host}:443`]: far.port });
      await using plain = await open([named("http:", host, 80)], false, [host], through(company.url));
      expect(await plain.say(get(host))).toMatch(/^HTTP\/1.1 200 OK[^]*ok/);
      await using secure = await open([named("https:", host, 443)], false, [host], through(company.url));
      expect(await secure.say(`${tunnel(`${host}:443`)}GET / HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 [^]*ok$/);
      expect(company.asked).toEqual([`GET ${host}:80 with login`, `CONNECT ${host}:443 with login`]);
    });

    it("says what the proxy wants that refuses", async () => {
      await using company = await startCompanyProxy({});
      const host = "registry.corp.invalid";
      await using secure = await open([named("https:", host, 443)], false, [host], through(company.urlWithoutLogin));
      await secure.say(tunnel(`${host}:443`));
      expect(secure.exit.unreached()).toEqual([
        expect.stringMatching(/:443: the proxy answered 407\. .*user and a password/),
      ]);
    });

    it("asks it for no host that nobody named, and for no private address", async () => {
      await using company = await startCompanyProxy({});
      await using secure = await open([named("https:", "10.0.0.1", 443)], false, [], through(company.url));
      expect(await secure.say(tunnel("10.0.0.1:443"))).toMatch(/^HTTP\/1.1 403 /);
      expect(await secure.say(tunnel("other.corp.invalid:443"))).toMatch(/^HTTP\/1.1 403 /);
      expect(company.asked).toEqual([]);
    });
  });
});
