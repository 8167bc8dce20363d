import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressesIn, isAddressRange, isPublicAddress, plainAddress } from "./public-address.ts";

const closed = [
  "127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
  // Where clouds tell a machine its secrets: AWS and most others, Amazon's containers, Azure, Alibaba, Oracle, IPv6.
  "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
  "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "5f00::1",
  // IPv4 inside IPv6: mapped, compatible, translated, NAT64 (well-known and local), 6to4, Teredo.
  "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:a9fe:a9fe", "::FFFF:10.0.0.1%lo", "::127.0.0.1", "::1.1.1.1", "::ffff:0:1.1.1.1",
  "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::101:101", "2002:7f00:1::", "2002:101:101::1", "2001:0:1::1",
]; // prettier-ignore
const open = [
  "1.1.1.1", "104.16.1.34", "140.82.121.4", "172.32.0.1", "168.63.129.17", "11.0.0.1", "126.255.255.255", "223.255.255.255",
  "2606:4700:4700::1111", "2606:4700::6810:122%eth0", "2A00:1450:4001:82A::200E", "3ffe::1", "2001:200::1",
  "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "64:ff9b::6810:122",
]; // prettier-ignore

describe("isPublicAddress", () => {
  it.each(closed)("keeps away from %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(open)("lets %s through", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(["", "localhost", "2130706433", "0x7f.1", "127.1", "01.1.1.1", "1.1.1.256", "1.1.1", "::g", "1::2::3", "[::1]", "1.1.1.1/8", "::1]x["])(
    "takes %j for no address",
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  ); // prettier-ignore

  it("agrees with Node's own list of IPv4 ranges on every IPv4 address", () => {
    const list = new BlockList();
    for (const [net, bits] of [["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["168.63.129.16", 32], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.88.99.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4]] as const)
      list.addSubnet(net, bits, "ipv4");
    fc.assert(fc.property(fc.ipV4(), (address) => isPublicAddress(address) !== list.check(address)));
  }); // prettier-ignore

  it("lets through no IPv6 address outside what is given out", () => {
    const list = new BlockList();
    list.addSubnet("2000::", 3, "ipv6");
    const isPublic = (address: string) => isPublicAddress(address) && plainAddress(address) === address;
    fc.assert(fc.property(fc.ipV6(), (address) => !isPublic(address) || list.check(address, "ipv6")));
  });

  it("judges an IPv4 address inside IPv6 as it judges that address", () => {
    const same = (address: string) =>
      [`::ffff:${address}`, `64:ff9b::${address}`, `${address}%eth0`].every(
        (written) => isPublicAddress(written) === isPublicAddress(address),
      );
    fc.assert(fc.property(fc.ipV4(), same));
  });
});

describe("opened ranges", () => {
  it("hold what lies in them, in each spelling, and nothing of the other family", () => {
    const isOpened = addressesIn(["10.0.0.0/8", "192.168.7.4", "fd12::/16"]);
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "192.168.7.4", "fd12::1", "fd12::1%eth0"])
      expect(isOpened(address), address).toBe(true);
    for (const address of ["11.0.0.1", "192.168.7.5", "fd13::1", "::1", "10.1", "localhost", ""])
      expect(isOpened(address), address).toBe(false);
    expect(addressesIn([])("10.1.2.3")).toBe(false);
    expect(addressesIn(["::/0"])("10.1.2.3"), "IPv4 is no part of ::/0").toBe(false);
  });

  it("are one address or an address with its length", () => {
    for (const range of ["10.0.0.0/8", "10.1.2.3", "::1", "fd00::/8", "0.0.0.0/0"])
      expect(isAddressRange(range)).toBe(true);
    for (const range of ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129", "localhost", "10.0.0.0/-1"])
      expect(isAddressRange(range), range).toBe(false);
  });
});
