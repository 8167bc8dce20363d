import { describe, expect, it } from "vitest";
import { isOpenedRegistry, openedRegistries } from "./opened-registries.ts";

describe("what a worker's owner opened", () => {
  it.each([
    ["10.0.0.5", "10.0.0.5", [80, 443], [22, 4873, 8080]],
    ["10.0.0.5:4873", "10.0.0.5", [4873], [22, 80, 443]],
    ["10.0.0.0/8", "10.1.2.3", [80, 443], [22, 4873]],
    ["10.0.0.0/8:4873", "10.1.2.3", [4873], [80, 443]],
    ["fd00::5", "fd00::5", [80, 443], [4873]],
    ["[fd00::5]", "fd00::5", [80, 443], [4873]],
    ["[fd00::5]:4873", "fd00::5", [4873], [80, 443]],
    ["[fd00::/8]:4873", "fd12::1", [4873], [80, 443]],
  ])("%s opens its ports of an address and no others", (entry, address, open, shut) => {
    const { hasAddress } = openedRegistries([entry]);
    for (const port of open) expect(hasAddress(address, port), String(port)).toBe(true);
    for (const port of shut) expect(hasAddress(address, port), String(port)).toBe(false);
    expect(hasAddress("192.168.0.1", open[0] ?? 0)).toBe(false);
  });

  it("a name opens itself, and no address or other name", () => {
    const { hasName, hasAddress } = openedRegistries(["npm.corp.example:4873", "Registry.corp.example"]);
    expect(hasName("npm.corp.example", 4873)).toBe(true);
    expect(hasName("registry.corp.example", 443)).toBe(true);
    for (const name of ["corp.example", "x.registry.corp.example", "registry.corp.example.evil.example"])
      expect(hasName(name, 443), name).toBe(false);
    expect(hasName("npm.corp.example", 443)).toBe(false);
    expect(hasAddress("10.0.0.5", 443)).toBe(false);
  });

  it.each([
    "",
    "10.0.0.5:0",
    "10.0.0.5:65536",
    "10.0.0.5:x",
    "10.0.0.5.6",
    "10.0.0.0/33",
    "https://npm.corp.example",
    "npm.corp.example/x",
    "[npm]:1",
    "a b",
  ])("%j is no entry", (entry) => expect(isOpenedRegistry(entry)).toBe(false));
});
