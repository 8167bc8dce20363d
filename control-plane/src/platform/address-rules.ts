import { BlockList, isIP } from "node:net";
import { Problem } from "@feedback-chat/protocol/problem";

/**
 * What is not the public internet (IANA's special-purpose registries), ways to carry IPv4 inside IPv6 among them; and
 * the public address at which a cloud (Azure) tells a machine its secrets.
 */
const notPublic: readonly string[] = [
  "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
  "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
  "224.0.0.0/4", "240.0.0.0/4",
  "::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
]; // prettier-ignore

/** Says of an IPv4 or IPv6 address whether this server may connect to it for somebody else. */
export type AddressRules = { isAllowed(address: string): boolean };

/**
 * Public addresses, and the ranges that the operator opened: `10.0.0.0/8`, or one address.
 * @throws Problem usage, naming what is no range.
 */
export function addressRules(openedRanges: readonly string[]): AddressRules {
  const closed = blockListOf(notPublic, "");
  const opened = blockListOf(openedRanges, "OUTBOUND_ALLOW");
  return {
    isAllowed(written) {
      const address = plainAddress(written);
      const version = isIP(address);
      if (version === 0) return false;
      return opened.has(address) || !closed.has(address);
    },
  };
}

/** Of an address in the operator's own settings, which may be on a network of theirs. */
export const operatorsOwn: AddressRules = { isAllowed: () => true };

export type AddressRanges = { has(address: string): boolean };

/**
 * What a setting names: addresses, ranges such as `10.0.0.0/8`, and `loopback`.
 * @throws Problem usage, naming the setting and what is no range.
 */
export function addressRanges(written: readonly string[], setting: string): AddressRanges {
  const ranges = written.flatMap((one) => (one === "loopback" ? ["127.0.0.0/8", "::1"] : [one]));
  const list = blockListOf(ranges, setting);
  return { has: (address) => isIP(address) !== 0 && list.has(plainAddress(address)) };
}

/** An address as it is compared: IPv4 as itself, without the name of an interface. */
export function plainAddress(written: string): string {
  const address = written.split("%")[0] ?? written;
  return ipv4Inside(address) ?? address;
}

/** A list of its own for each version: in a common one, an IPv4 address counts as part of `::/3`, as ::ffff:0:0/96. */
function blockListOf(ranges: readonly string[], setting: string): AddressRanges {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const range of ranges) {
    const [address = "", bits, ...rest] = range.split("/");
    const version = isIP(address);
    const longest = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? longest : Number(bits);
    const isRange = version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits ?? "0") && prefix <= longest;
    if (!isRange)
      throw new Problem("usage", `"${range}" is no range of addresses.`, {
        next: `Write ranges such as 10.0.0.0/8 in ${setting}, with commas in between.`,
      });
    const isFour = version === 4;
    lists[isFour ? 4 : 6].addSubnet(address, prefix, isFour ? "ipv4" : "ipv6");
  }
  return {
    has: (address) => (isIP(address) === 4 ? lists[4].check(address, "ipv4") : lists[6].check(address, "ipv6")),
  };
}

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` are 127.0.0.1 to the kernel. */
function ipv4Inside(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  // The URL parser writes every form of an address in the one that the standard names.
  const groups = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(new URL(`http://[${address}]/`).hostname);
  if (!groups) return undefined;
  const [high, low] = [Number.parseInt(groups[1] ?? "", 16), Number.parseInt(groups[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
