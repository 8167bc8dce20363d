import type { Context } from "hono";

/** Ours alone: whatever a request brings under this name is thrown away. */
export const addressHeader = "x-feedback-chat-address";

/** Where the connection comes from. A header of the sender's says nothing. */
export function senderAddress(c: Context): string {
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? "0.0.0.0";
}

/** A request for better-auth, telling it the true address. */
export function withSenderAddress(c: Context, bytes: Buffer): Request {
  const headers = new Headers(c.req.raw.headers);
  headers.set(addressHeader, senderAddress(c));
  headers.delete("content-length");
  return new Request(c.req.url, { method: c.req.method, headers, body: new Uint8Array(bytes) });
}
