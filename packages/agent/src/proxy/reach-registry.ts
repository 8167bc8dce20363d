import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { setTimeout } from "node:timers/promises";
import { isPublicAddress } from "../core/public-address.ts";
import { type HttpProxies, noProxies, proxyFor } from "@feedback-chat/protocol/http-proxies";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { ignoring } from "../platform/ignoring.ts";
import type { OpenRegistry, Refusal, RegistryHost } from "../ports/registry.ts";

/** Where to connect: the addresses that were judged are the ones that are dialed. Through a proxy, by name. */
export type Way = { host: string; lookup: LookupFunction; proxy: string | null };

export type ReachInput = Omit<Parameters<OpenRegistry>[0], "socketPath"> & { httpProxies?: HttpProxies };

const lookupMs = 2_000;

/** Judges what the fetch sandbox asks for, and keeps what was refused and what was not reached. */
export type Reach = {
  /** The way to a host; null when it is refused. @throws when the host's name cannot be resolved. */
  to(wanted: RegistryHost): Promise<Way | null>;
  failed(wanted: RegistryHost, error: unknown): void;
  readonly atRefusal: AbortSignal;
  refused(): Refusal[];
  unreached(): string[];
};

export function reachRegistry(input: ReachInput): Reach {
  const { hosts, allowsPrivate, isOpened = () => false, httpProxies = noProxies } = input;
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
      const proxy = proxyFor(`${wanted.protocol}//${wanted.hostname}:${wanted.port}`, httpProxies);
      const found = await addressesOf(host, proxy !== null);
      if (found === null) return { host, lookup: always([]), proxy };
      const open = found.filter(({ address }) => allowsPrivate || isPublicAddress(address) || isOpened(address));
      return open.length === 0 ? refuse(wanted, "not_public") : { host, lookup: always(open), proxy };
    },
    failed: (wanted, error) => void unreached.add(`${nameOf(wanted)}: ${causeOf(error)}`),
    atRefusal: firstRefusal.signal,
    refused: () => [...refused.values()],
    unreached: () => [...unreached],
  };
}

/**
 * Behind a proxy a machine may know no names of the internet: null then, and the proxy decides. A name that is known to
 * stand inside our own network is refused all the same.
 */
async function addressesOf(host: string, isProxied: boolean): Promise<LookupAddress[] | null> {
  if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
  if (!isProxied) return lookup(host, { all: true });
  const noAnswer = new AbortController();
  const late = setTimeout(lookupMs, null, { signal: noAnswer.signal }).catch(ignoring("ABORT_ERR"));
  try {
    const found = lookup(host, { all: true }).catch(ignoring("ENOTFOUND", "EAI_AGAIN", "ENODATA"));
    return (await Promise.race([found, late])) ?? null;
  } finally {
    noAnswer.abort();
  }
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
  const cause = networkCause(error);
  if (cause) return cause.next === null ? cause.detail : `${cause.detail}. ${cause.next}`;
  return error instanceof Error ? error.message.slice(0, 200) : "no answer";
}
