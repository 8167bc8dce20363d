import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { Agent, buildConnector, request } from "undici";
import type { AddressRules } from "./address-rules.ts";

export type Outside = {
  rules: AddressRules;
  /** All addresses of a name, as `lookup` of node:dns/promises. */
  lookup: (name: string, options: { all: true }) => Promise<LookupAddress[]>;
};
type Call = {
  url: string;
  method: "POST" | "GET";
  headers: Record<string, string>;
  body: string;
  /** None for a call with a secret, which goes to the one address that it is for. */
  maxRedirects?: number;
};
/** `body`: its first 64 KiB as text. */
export type OutsideAnswer = { status: number; body: string };

const longestMs = 5_000;
const maxBytes = 64 * 1024;

/**
 * Sends a request to an address that somebody else chose. What is connected to is what was checked: addresses written
 * in numbers apart from names, every address of a name, and each redirect. Redirects that would change the request are
 * the answer themselves. All of it takes at most five seconds.
 * @throws Problem endpoint_not_allowed, network
 */
export async function callOutside(deps: Outside, call: Call): Promise<OutsideAnswer> {
  const agent = new Agent({ connect: guardedConnector(deps), pipelining: 0 });
  try {
    return await follow(agent, call);
  } catch (error) {
    throw problemOf(error);
  } finally {
    await agent.destroy();
  }
}

/** For an address that is only kept now: what `callOutside` would refuse. @throws Problem endpoint_not_allowed */
export async function checkOutside(deps: Outside, written: string): Promise<void> {
  const { hostname } = outsideUrl(written);
  const name = bare(hostname);
  if (isIP(name) !== 0) return refuseClosed(deps, name, [name]);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Problem("endpoint_not_allowed", `${name} is not found.`)), longestMs);
  try {
    const found = await Promise.race([deps.lookup(name, { all: true }), late]);
    refuseClosed(deps, name, found.map(({ address }) => address)); // prettier-ignore
  } catch (error) {
    if (isProblem(error)) throw error;
    throw new Problem("endpoint_not_allowed", `${name} is not found.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function follow(
  agent: Agent,
  { url: first, method, headers, body, maxRedirects = 3 }: Call,
): Promise<OutsideAnswer> {
  const signal = AbortSignal.timeout(longestMs);
  let url = outsideUrl(first);
  for (let hops = 0; ; hops++) {
    const answer = await request(url, {
      dispatcher: agent, method, headers, signal, ...(method === "POST" ? { body } : {}),
    }); // prettier-ignore
    const { statusCode: status, headers: answered } = answer;
    const location = status === 307 || status === 308 ? answered["location"] : undefined;
    if (typeof location !== "string" || hops === maxRedirects) return { status, body: await firstBytes(answer.body) };
    await firstBytes(answer.body);
    url = outsideUrl(new URL(location, url).href);
  }
}

async function firstBytes(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop destroys the stream: the rest is not read.
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString("utf8");
}

function guardedConnector(deps: Outside): buildConnector.connector {
  const resolve = async (name: string, wantsAll: boolean, done: Parameters<LookupFunction>[2]) => {
    try {
      const found = await deps.lookup(name, { all: true });
      refuseClosed(deps, name, found.map(({ address }) => address)); // prettier-ignore
      if (wantsAll) done(null, found);
      else done(null, found[0]?.address ?? "", found[0]?.family);
    } catch (error) {
      done(error as Error, "");
    }
  };
  const lookup: LookupFunction = (name, { all = false }, done) => void resolve(name, all, done);
  const connect = buildConnector({ timeout: longestMs, lookup });
  return (to, done) => {
    const name = bare(to.hostname);
    // Node asks no lookup for an address in numbers.
    if (isIP(name) !== 0 && !deps.rules.isAllowed(name)) done(closed(name), null);
    else connect(to, done);
  };
}

function refuseClosed({ rules }: Outside, name: string, addresses: readonly string[]): void {
  if (addresses.length === 0 || !addresses.every(rules.isAllowed)) throw closed(name);
}

function closed(name: string): Problem {
  return new Problem("endpoint_not_allowed", `${name} is not an address on the public internet.`);
}

/** @throws Problem endpoint_not_allowed */
function outsideUrl(written: string): URL {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hostname === "")
    throw new Problem("endpoint_not_allowed", "An endpoint is an http or https address.");
  if (url.username || url.password)
    throw new Problem("endpoint_not_allowed", "A user or password in the address would be kept and shown.");
  return url;
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Why nothing came back; a bug of ours stays one. */
function problemOf(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) if (isProblem(at)) return at;
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : error.name;
  if (code === "TimeoutError" || error.name === "TimeoutError")
    return new Problem("network", "It did not answer within five seconds.", { cause: error });
  // Errors of the network carry a code of the system, of TLS, of DNS or of undici.
  if (/^(UND_|E[A-Z]|CERT_|DEPTH_|SELF_|UNABLE_|HPE_|ERR_SSL|ERR_TLS)/.test(code))
    return new Problem("network", `It could not be reached: ${code}.`, { cause: error });
  return error;
}
