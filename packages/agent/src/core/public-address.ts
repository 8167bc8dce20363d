/**
 * IPv4 ranges that are not the public internet (IANA's special-purpose registry). 168.63.129.16 is public, but Azure
 * serves a machine's secrets there. The metadata addresses of other clouds lie inside these ranges.
 */
const closed4 = [
  "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
  "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
  "224.0.0.0/4", "240.0.0.0/4",
]; // prettier-ignore

/**
 * IPv6: everything outside 2000::/3, and inside it Teredo and its neighbors, documentation and 6to4. A list of its own,
 * because Node's BlockList compares an IPv4 address with IPv6 ranges as ::ffff:0:0/96, which lies in ::/3.
 */
const closed6 = ["::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/**
 * Returns whether `written` is an address on the public internet. Names, unusual spellings (`127.1`, `0x7f.1`) and
 * anything that is not an IP address are not public.
 * @example isPublicAddress("1.1.1.1") // true
 * @example isPublicAddress("64:ff9b::a00:1") // false: NAT64 leads it to 10.0.0.1
 */
export function isPublicAddress(written: string): boolean {
  const address = fourInside(plainAddress(written), nat64Prefix);
  const four = bitsOf4(address);
  if (four !== null) return !isInside(four, ranges4);
  const six = bitsOf6(address);
  return six !== null && !isInside(six, ranges6);
}

/**
 * Returns whether `written` is an address or a range of addresses, such as `10.0.0.0/8`.
 */
export function isAddressRange(written: string): boolean {
  const [address = "", length, ...rest] = written.split("/");
  const bits = bitsOf4(address) ?? bitsOf6(address);
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (bits?.length ?? 0));
  return bits !== null && isLength && rest.length === 0;
}

/** Returns a function that says whether an address lies in one of these ranges. */
export function addressesIn(ranges: readonly string[]): (written: string) => boolean {
  const [opened4, opened6] = [4, 6].map((version) =>
    ranges.filter((range) => range.includes(":") === (version === 6)).map(prefixOf),
  );
  return (written) => {
    const address = plainAddress(written);
    const four = bitsOf4(address);
    const six = four === null ? bitsOf6(address) : null;
    return four === null ? six !== null && isInside(six, opened6 ?? []) : isInside(four, opened4 ?? []);
  };
}

/**
 * Returns the address that the kernel connects to: without its zone (`%eth0`), and IPv4 for ::ffff:0:0/96. Returns
 * anything else unchanged.
 */
export function plainAddress(written: string): string {
  return fourInside(written.split("%")[0] ?? written, mappedPrefix);
}

/** The IPv4 address behind these first 96 bits of IPv6; any other address unchanged. */
function fourInside(address: string, prefix: string): string {
  const bits = bitsOf6(address);
  if (!bits?.startsWith(prefix)) return address;
  return [96, 104, 112, 120].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join(".");
}

function bitsOf4(address: string): string | null {
  const numbers = address.split(".");
  const isAddress = numbers.length === 4 && numbers.every((one) => /^(0|[1-9]\d{0,2})$/.test(one) && Number(one) < 256);
  return isAddress ? numbers.map((one) => Number(one).toString(2).padStart(8, "0")).join("") : null;
}

/** The URL parser knows every spelling of IPv6 and writes the standard's own. */
function bitsOf6(address: string): string | null {
  const isSpelled = address.includes(":") && /^[\da-f:.]+$/i.test(address);
  if (!isSpelled || !URL.canParse(`http://[${address}]/`)) return null;
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail ?? "")];
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return [...first, ...zeros, ...last].map((each) => Number.parseInt(each, 16).toString(2).padStart(16, "0")).join("");
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

function isInside(bits: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => bits.startsWith(prefix));
}

/** The leading bits that all addresses of a range share. */
function prefixOf(range: string): string {
  const [address = "", length] = range.split("/");
  const bits = bitsOf4(address) ?? bitsOf6(address) ?? "";
  return length === undefined ? bits : bits.slice(0, Number(length));
}

const ranges4 = closed4.map(prefixOf);
const ranges6 = closed6.map(prefixOf);
const mappedPrefix = prefixOf("::ffff:0:0/96");
const nat64Prefix = prefixOf("64:ff9b::/96");
