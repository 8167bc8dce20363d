import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";
import { plainAddress } from "@feedback-chat/agent/core/public-address";
import type { AddressRanges } from "./address-rules.ts";
import { type SentFrom, senderVariable } from "./sender-address.ts";

/**
 * Settles for each request where it comes from: the connection's other end, or, if that is a proxy of ours, the last
 * address in X-Forwarded-For that is none. What stands left of it the sender may have written themselves.
 */
export function knowSender({ trustedProxies }: { trustedProxies: AddressRanges }): MiddlewareHandler {
  return async (c, next) => {
    const { incoming } = (c.env ?? {}) as SentFrom;
    c.set(senderVariable, senderOf(c, plainAddress(incoming?.socket?.remoteAddress ?? "0.0.0.0"), trustedProxies));
    await next();
  };
}

function senderOf(c: Context, peer: string, trusted: AddressRanges): string {
  let sender = peer;
  const hops = (c.req.header("x-forwarded-for") ?? "").split(",").toReversed();
  for (const hop of hops) {
    if (!trusted.has(sender)) return sender;
    const address = addressIn(hop.trim());
    // What is no address, the proxy before did not write: it is the last that is known.
    if (address === undefined) return sender;
    sender = address;
  }
  return sender;
}

/** Some proxies add the port: `203.0.113.9:4711`, `[2001:db8::1]:4711`. */
function addressIn(hop: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
  return isIP(bare) === 0 ? undefined : plainAddress(bare);
}
