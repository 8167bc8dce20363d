import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { setTimeout } from "node:timers/promises";
import { openedRegistries } from "../core/opened-registries.ts";
import { isPublicAddress } from "../core/public-address.ts";
import { type HttpProxies, noProxies, proxyFor } from "@feedback-chat/protocol/http-proxies";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { ignoring } from "../platform/ignoring.ts";
import type { OpenRegistry, Refusal, RegistryHost } from "../ports/registry.ts";

/**
 * Where to connect: `host` is what is dialed, here or by the proxy. Unless the name itself is trusted, that is an
 * address which was judged, so that nobody resolves the name a second time.
 */
export type Way = { host: string; lookup: LookupFunction; proxy: string | null };

export type ReachInput = Omit<Parameters<OpenRegistry>[0], "socketPath"> & {
  httpProxies?: HttpProxies;
  /** This machine's own name service. */
  resolve(name: string): Promise<LookupAddress[]>;
};

/** Behind a proxy no answer is an answer soon: without a name service each question would take many seconds. */
const lookupMs = 2_000;
/** Their names lead to the public internet, whoever resolves them. */
const publicNames = new Set(["registry.npmjs.org", "registry.yarnpkg.com"]);

/** Judges what the fetch sandbox asks for, and keeps what was refused and what was not reached. */
export type Reach = {
  /** The way to a host; null when it is refused. @throws when there is no proxy and the name cannot be resolved. */
  to(wanted: RegistryHost): Promise<Way | null>;
  failed(wanted: RegistryHost, error: unknown): void;
  readonly atRefusal: AbortSignal;
  refused(): Refusal[];
  unreached(): string[];
};

/**
 * Behind a proxy the proxy would resolve the name, and may find another address than we judged, inside the company's
 * network. So it is asked for the judged address, and for a name only where that name is trusted: npm's and yarn's own
 * registries, and what the owner opened by name (docs/adr/0022-registries-behind-proxies.md).
 */
export function reachRegistry(input: ReachInput): Reach {
  const { hosts, allowsPrivate, opened = openedRegistries([]), httpProxies = noProxies, resolve } = input;
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
      const { port } = wanted;
      const isVouchedFor = allowsPrivate || opened.hasName(host, port);
      if (proxy !== null && (isVouchedFor || publicNames.has(host))) return { host, lookup: always([]), proxy };
      const found = await addressesOf(host, proxy === null ? resolve : inTime(resolve));
      if (found === null) return refuse(wanted, "not_resolved");
      const open = found.filter(
        ({ address }) => isVouchedFor || isPublicAddress(address) || opened.hasAddress(address, port),
      );
      if (open.length === 0) return refuse(wanted, "not_public");
      return { host: proxy === null ? host : firstOf(open), lookup: always(open), proxy };
    },
    failed: (wanted, error) => void unreached.add(`${nameOf(wanted)}: ${causeOf(error)}`),
    atRefusal: firstRefusal.signal,
    refused: () => [...refused.values()],
    unreached: () => [...unreached],
  };
}

type Found = LookupAddress[] | null;

async function addressesOf(host: string, resolve: (name: string) => Promise<Found>): Promise<Found> {
  return isIP(host) === 0 ? resolve(host) : [{ address: host, family: isIP(host) }];
}

/** Null when the machine does not know the name, or does not know it soon enough. */
function inTime(resolve: ReachInput["resolve"]): (name: string) => Promise<Found> {
  return async (name) => {
    const noAnswer = new AbortController();
    const late = setTimeout(lookupMs, null, { signal: noAnswer.signal }).catch(ignoring("ABORT_ERR"));
    try {
      const found = resolve(name).catch(ignoring("ENOTFOUND", "EAI_AGAIN", "ENODATA"));
      return (await Promise.race([found, late])) ?? null;
    } finally {
      noAnswer.abort();
    }
  };
}

/** Proxies without IPv6 are more common than those without IPv4. */
function firstOf(addresses: LookupAddress[]): string {
  return (addresses.find(({ family }) => family === 4) ?? addresses[0])?.address ?? "";
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
