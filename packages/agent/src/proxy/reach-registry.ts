import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "../core/public-address.ts";
import type { OpenRegistry, Refusal, RegistryHost } from "../ports/registry.ts";

/** Where to connect: the addresses that were judged are the ones that are dialed. */
export type Way = { host: string; lookup: LookupFunction };

/** Judges what the fetch sandbox asks for, and keeps what was refused and what was not reached. */
export type Reach = {
  /** The way to a host; null when it is refused. @throws when the host's name cannot be resolved. */
  to(wanted: RegistryHost): Promise<Way | null>;
  failed(wanted: RegistryHost, error: unknown): void;
  readonly atRefusal: AbortSignal;
  refused(): Refusal[];
  unreached(): string[];
};

export function reachRegistry(input: Omit<Parameters<OpenRegistry>[0], "socketPath">): Reach {
  const { hosts, allowsPrivate, isOpened = () => false } = input;
  const refused = new Map<string, Refusal>();
  const unreached = new Set<string>();
  const firstRefusal = new AbortController();
  const refuse = (wanted: RegistryHost, why: Refusal["why"]): null => {
    const host = nameOf(wanted);
    refused.set(host, { host, why });
    firstRefusal.abort();
    return null;
  };
  return {
    async to(wanted) {
      if (!hosts.some((host) => isSame(host, wanted))) return refuse(wanted, "not_named");
      const host = wanted.hostname.replace(/^\[(.*)\]$/, "$1");
      const found = isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host, family: isIP(host) }];
      const open = found.filter(({ address }) => allowsPrivate || isPublicAddress(address) || isOpened(address));
      return open.length === 0 ? refuse(wanted, "not_public") : { host, lookup: always(open) };
    },
    failed: (wanted, error) => void unreached.add(`${nameOf(wanted)} (${causeOf(error)})`),
    atRefusal: firstRefusal.signal,
    refused: () => [...refused.values()],
    unreached: () => [...unreached],
  };
}

/** Looked up once and connected to by number, so that no second answer of the name server leads elsewhere. */
function always(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, addresses);
    else callback(null, first?.address ?? "", first?.family);
  };
}

/** A tunnel (`https:`) may carry plain HTTP too, as yarn 2 and later do. */
function isSame(named: RegistryHost, wanted: RegistryHost): boolean {
  const isProtocol = wanted.protocol === "https:" || named.protocol === wanted.protocol;
  return isProtocol && named.hostname === wanted.hostname && named.port === wanted.port;
}

function nameOf({ hostname, port }: RegistryHost): string {
  return `${hostname}:${port}`.slice(0, 200);
}

function causeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string") return code;
  return error instanceof Error ? error.message.slice(0, 200) : "no answer";
}
