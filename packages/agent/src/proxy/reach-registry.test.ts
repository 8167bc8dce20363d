import { describe, expect, it } from "vitest";
import type { RegistryHost } from "../ports/registry.ts";
import { reachRegistry } from "./reach-registry.ts";

const https = (hostname: string): RegistryHost => ({ protocol: "https:", hostname, port: 443 });

describe("reachRegistry", () => {
  it.each(["1.1.1.1", "104.16.1.34", "[2606:4700:4700::1111]", "[64:ff9b::6810:122]"])("leads to %s", async (name) => {
    const reach = reachRegistry({ hosts: [https(name)], allowsPrivate: false });
    expect(await reach.to(https(name))).toMatchObject({ host: name.replace(/[[\]]/g, "") });
    expect(reach.refused()).toEqual([]);
    expect(reach.atRefusal.aborted).toBe(false);
  });

  it.each(["10.0.0.1", "[::1]", "[64:ff9b::a00:1]", "localhost"])("refuses %s for its address", async (name) => {
    const reach = reachRegistry({ hosts: [https(name)], allowsPrivate: false });
    expect(await reach.to(https(name))).toBeNull();
    expect(reach.refused()).toEqual([{ host: `${name}:443`, why: "not_public" }]);
    expect(reach.atRefusal.aborted).toBe(true);
  });

  it("refuses a host that nobody named, whatever its address", async () => {
    const reach = reachRegistry({ hosts: [https("registry.example")], allowsPrivate: true });
    expect(await reach.to(https("1.1.1.1"))).toBeNull();
    expect(reach.refused()).toEqual([{ host: "1.1.1.1:443", why: "not_named" }]);
  });

  it("dials the addresses that it judged", async () => {
    const reach = reachRegistry({ hosts: [https("localhost")], allowsPrivate: true });
    const way = (await reach.to(https("localhost")))!;
    way.lookup("elsewhere.example", { all: false }, (_error, address) =>
      expect(["127.0.0.1", "::1"]).toContain(address),
    );
    expect.assertions(1);
  });
});
