import { addressesIn, isAddressRange } from "./public-address.ts";

/** What a worker's owner opened beside the public internet, each at one port or at HTTP's and HTTPS's own. */
export type OpenedRegistries = {
  hasAddress(address: string, port: number): boolean;
  /** The owner vouches for the name: wherever it leads to, and whoever resolves it. */
  hasName(hostname: string, port: number): boolean;
};

type Entry = { range: string; port: number | null } | { name: string; port: number | null };

/**
 * Returns what these entries open.
 * @param entries each an address, a range or a name, with or without a port: `10.0.0.5:4873`, `10.0.0.0/8`,
 * `[fd00::/8]:4873`, `npm.corp.example`; those that `isOpenedRegistry` refuses open nothing
 */
export function openedRegistries(entries: readonly string[]): OpenedRegistries {
  const read = entries.flatMap((text) => readEntry(text) ?? []);
  const isAt = (port: number) => (entry: Entry) =>
    entry.port === null ? port === 80 || port === 443 : entry.port === port;
  return {
    hasAddress: (address, port) =>
      addressesIn(read.filter(isAt(port)).flatMap((entry) => ("range" in entry ? [entry.range] : [])))(address),
    hasName: (hostname, port) =>
      read.filter(isAt(port)).some((entry) => "name" in entry && entry.name === hostname.toLowerCase()),
  };
}

/** Returns whether an entry is an address, a range or a name, with or without a port. */
export function isOpenedRegistry(text: string): boolean {
  return readEntry(text) !== null;
}

function readEntry(text: string): Entry | null {
  if (isAddressRange(text)) return { range: text, port: null };
  const [, host = "", portText] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const range = host.replace(/^\[(.*)\]$/, "$1");
  if (isAddressRange(range)) return { range, port };
  return isName(host) ? { name: host.toLowerCase(), port } : null;
}

/** A name whose last part is no number: `10.0.0.5.6` would be a slip, and no name. */
function isName(host: string): boolean {
  return host.length < 254 && /^(?:[a-z\d_](?:[a-z\d_-]*[a-z\d])?\.)*[a-z](?:[a-z\d-]*[a-z\d])?$/i.test(host);
}
