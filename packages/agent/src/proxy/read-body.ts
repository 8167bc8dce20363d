import type { IncomingMessage } from "node:http";

export type Refusal = { status: number; type: string; message: string };

/**
 * Refuses what is too large because of its pictures and documents. At this status and these words Claude Code takes
 * them out of the conversation and goes on (measured on 2.1.329); 413 and 403 would end its run.
 */
export function tooMuchMedia(why: string): Refusal {
  return { status: 400, type: "invalid_request_error", message: `too much media: ${why}` };
}

const maxBodyBytes = 16 * 1024 * 1024;
/** Of all requests that are not answered yet. Who is inside opens as many as it likes, and the memory is the worker's. */
const maxHeldBytes = 4 * maxBodyBytes;

/** How many bytes of bodies the requests of one proxy keep in memory. */
export type HeldBytes = { count: number };

/**
 * The request's body as text, or why it is not taken. Its bytes are counted in `held` until `letGo`.
 * @throws what ends the connection, also the signal
 */
export function openBody(
  request: IncomingMessage,
  { held, signal }: { held: HeldBytes; signal: AbortSignal },
): { text: Promise<string | Refusal>; letGo(): void } {
  let own = 0;
  let isGone = false;
  const take = (bytes: number) => {
    if (isGone) return;
    own += bytes;
    held.count += bytes;
  };
  const stop = () => void request.destroy();
  signal.addEventListener("abort", stop, { once: true });
  return {
    text: readBody(request, held, take).finally(() => signal.removeEventListener("abort", stop)),
    letGo() {
      take(-own);
      isGone = true;
    },
  };
}

async function readBody(
  request: IncomingMessage,
  held: HeldBytes,
  take: (bytes: number) => void,
): Promise<string | Refusal> {
  if (request.headers["content-encoding"] !== undefined) return encoded;
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  // Who is refused in the middle gets an answer first.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    take(chunk.byteLength);
    if (size > maxBodyBytes) return tooLarge;
    if (held.count > maxHeldBytes) return tooManyAtOnce;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : notUtf8;
}

const encoded = { status: 415, type: "invalid_request_error", message: "an encoded body is not admitted" };
const tooLarge = tooMuchMedia("the request is larger than 16 MiB");
const tooManyAtOnce = { status: 429, type: "rate_limit_error", message: "more than 64 MiB of requests at once" };
const notUtf8 = { status: 400, type: "invalid_request_error", message: "the body is no UTF-8" };
