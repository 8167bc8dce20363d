import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressRules } from "./address-rules.ts";

const closed = [
  "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "100.64.0.1", "168.63.129.16", "169.254.169.254", "172.31.255.255", "192.168.1.1",
  "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0a00:0001",
  "0:0:0:0:0:ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "fc00::1", "fd12:3456::1", "fe80::1", "ff02::1",
  "2002:7f00:1::", "2001:0:1::1", "2001:db8::1",
]; // prettier-ignore

describe("which addresses somebody else may send us to", () => {
  it.each(closed)("keeps away from %s", (address) => {
    expect(addressRules([]).isAllowed(address)).toBe(false);
  });

  it.each(["1.1.1.1", "140.82.121.4", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])(
    "allows %s",
    (address) => {
      expect(addressRules([]).isAllowed(address)).toBe(true);
    },
  );

  it("opens what the operator names, and nothing beside it", () => {
    const rules = addressRules(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
    expect(["127.0.0.1", "::ffff:7f00:1", "10.200.0.1", "fd00::1"].map(rules.isAllowed)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(["127.0.0.2", "11.0.0.1", "169.254.169.254", "fc00::1"].map(rules.isAllowed)).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it("takes nothing for an address that is none", () => {
    const rules = addressRules(["0.0.0.0/0", "::/0"]);
    expect(["", "localhost", "2130706433", "0x7f.1", "127.1"].map(rules.isAllowed)).toEqual(Array(5).fill(false));
  });

  it("judges an IPv4 address inside IPv6 as it judges that address", () => {
    const rules = addressRules([]);
    fc.assert(fc.property(fc.ipV4(), (address) => rules.isAllowed(`::ffff:${address}`) === rules.isAllowed(address)));
  });

  it.each(["10.0.0.0/33", "10.0.0.0/8/8", "localhost", "10.0.0.0/x", "::/129"])("refuses the range %s", (range) => {
    expect(() => addressRules([range])).toThrow("no range");
  });
});
