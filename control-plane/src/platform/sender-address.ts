import type { Context } from "hono";

/** Ours alone: whatever a request brings under this name is thrown away. */
export const addressHeader = "x-feedback-chat-address";

/** Where `know-sender.ts` leaves what it found. */
export const senderVariable = "sender";
export type SentFrom = { incoming?: { socket?: { remoteAddress?: string } } };

/** Where the request comes from: told by the connection, and by proxies that the operator trusts. */
export function senderAddress(c: Context): string {
  const { incoming } = (c.env ?? {}) as SentFrom;
  return (c.get(senderVariable) as string | undefined) ?? incoming?.socket?.remoteAddress ?? "0.0.0.0";
}

/** A request for better-auth, telling it the true address. */
export function withSenderAddress(
  c: Context,
  { url, method, body }: { url: string | URL; method: string; body?: Uint8Array<ArrayBuffer> | object | undefined },
): Request {
  const headers = new Headers(c.req.raw.headers);
  headers.set(addressHeader, senderAddress(c));
  headers.delete("content-length");
  if (body === undefined) return new Request(url, { method, headers });
  if (body instanceof Uint8Array) return new Request(url, { method, headers, body });
  headers.set("content-type", "application/json");
  return new Request(url, { method, headers, body: JSON.stringify(body) });
}
