import { BlockList, isIP } from "node:net";
import { isPublicAddress, plainAddress } from "@feedback-chat/agent/core/public-address";
import { Problem } from "@feedback-chat/protocol/problem";

/** Says of an IPv4 or IPv6 address whether this server may connect to it for somebody else. */
export type AddressRules = { isAllowed(address: string): boolean };

/**
 * Public addresses, and the ranges that the operator opened: `10.0.0.0/8`, or one address.
 * @throws Problem usage, naming what is no range.
 */
export function addressRules(openedRanges: readonly string[]): AddressRules {
  const opened = blockListOf(openedRanges, "OUTBOUND_ALLOW");
  return {
    isAllowed(written) {
      const address = plainAddress(written);
      return isPublicAddress(address) || (isIP(address) !== 0 && opened.has(address));
    },
  };
}

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
