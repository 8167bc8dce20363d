import { lookup } from "node:dns/promises";
import { describe, expect, it } from "vitest";
import { openedRegistries } from "../core/opened-registries.ts";
import type { RegistryHost } from "../ports/registry.ts";
import { reachRegistry } from "./reach-registry.ts";

const https = (hostname: string): RegistryHost => ({ protocol: "https:", hostname, port: 443 });
const resolve = (name: string) => lookup(name, { all: true });

describe("reachRegistry", () => {
  it.each(["1.1.1.1", "104.16.1.34", "[2606:4700:4700::1111]", "[64:ff9b::6810:122]"])("leads to %s", async (name) => {
    const reach = reachRegistry({ resolve, hosts: [https(name)], allowsPrivate: false });
    expect(await reach.to(https(name))).toMatchObject({ host: name.replace(/[[\]]/g, "") });
    expect(reach.refused()).toEqual([]);
    expect(reach.atRefusal.aborted).toBe(false);
  });

  it.each(["10.0.0.1", "[::1]", "[64:ff9b::a00:1]", "localhost"])("refuses %s for its address", async (name) => {
    const reach = reachRegistry({ resolve, hosts: [https(name)], allowsPrivate: false });
    expect(await reach.to(https(name))).toBeNull();
    expect(reach.refused()).toEqual([{ host: `${name}:443`, why: "not_public" }]);
    expect(reach.atRefusal.aborted).toBe(true);
  });

  it("refuses a host that nobody named, whatever its address", async () => {
    const reach = reachRegistry({ resolve, hosts: [https("registry.example")], allowsPrivate: true });
    expect(await reach.to(https("1.1.1.1"))).toBeNull();
    expect(reach.refused()).toEqual([{ host: "1.1.1.1:443", why: "not_named" }]);
  });

  it("dials the addresses that it judged", async () => {
    const reach = reachRegistry({ resolve, hosts: [https("localhost")], allowsPrivate: true });
    const way = (await reach.to(https("localhost")))!;
    way.lookup("elsewhere.example", { all: false }, (_error, address) =>
      expect(["127.0.0.1", "::1"]).toContain(address),
    );
    expect.assertions(1);
  });
});

describe("reachRegistry behind a proxy", () => {
  const proxy = "http://proxy.corp.example:3128";
  const httpProxies = { httpProxy: proxy, httpsProxy: proxy, noProxy: "" };
  const notFound = () => Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }));
  const knows =
    (...addresses: string[]) =>
    () =>
      Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
  const reachOf = (name: string, answer: typeof resolve, opened: string[] = []) => {
    const reach = reachRegistry({
      hosts: [https(name)],
      allowsPrivate: false,
      httpProxies,
      resolve: answer,
      opened: openedRegistries(opened),
    });
    return { reach, way: reach.to(https(name)) };
  };

  it("asks the proxy for the address that was judged, and never for the name", async () => {
    const { way } = reachOf("packages.example", knows("2606:4700::1", "104.16.1.34"));
    expect(await way).toMatchObject({ host: "104.16.1.34", proxy });
    const six = reachOf("packages.example", knows("2606:4700::1"));
    expect(await six.way).toMatchObject({ host: "2606:4700::1", proxy });
  });

  it("refuses a name that leads into our own network here", async () => {
    const { reach, way } = reachOf("packages.example", knows("10.0.0.5"));
    expect(await way).toBeNull();
    expect(reach.refused()).toEqual([{ host: "packages.example:443", why: "not_public" }]);
  });

  it.each([
    ["does not know", notFound],
    ["has not answered for in time", () => new Promise<never>(() => undefined)],
  ])("refuses a name that this machine %s: the proxy could find anything", async (_name, answer) => {
    const { reach, way } = reachOf("packages.example", answer);
    expect(await way).toBeNull();
    expect(reach.refused()).toEqual([{ host: "packages.example:443", why: "not_resolved" }]);
  });

  it("lets the proxy resolve npm's own registry, and a name that the owner opened", async () => {
    for (const name of ["registry.npmjs.org", "registry.yarnpkg.com"])
      expect(await reachOf(name, notFound).way).toMatchObject({ host: name, proxy });
    expect(await reachOf("npm.corp.example", notFound, ["npm.corp.example"]).way).toMatchObject({
      host: "npm.corp.example",
    });
    expect(await reachOf("npm.corp.example", notFound, ["npm.corp.example:4873"]).way).toBeNull();
  });
});
