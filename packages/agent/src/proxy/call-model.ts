import type { Dispatcher } from "undici";
import type { Clock } from "../ports/clock.ts";

export type Upstream = {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: Dispatcher.ResponseData["body"];
};
/**
 * `answered`: the provider spoke, whatever it said. `unreachable`: surely nothing was sent.
 * `broken`: it was sent and no answer came, so it may have been done, and paid.
 */
export type Attempt =
  | { kind: "answered"; upstream: Upstream }
  | { kind: "unreachable"; detail: string }
  | { kind: "broken"; detail: string };

export type Call = {
  path: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
};

/** One attempt. The address is a constant of the run: nothing of a request ever builds it. */
export async function callModel(
  { dispatcher, origin }: { dispatcher: Dispatcher; origin: string },
  call: Call,
): Promise<Attempt> {
  const { path, headers, body, signal } = call;
  try {
    const {
      statusCode,
      headers: answered,
      body: stream,
    } = await dispatcher.request({ origin, path, method: "POST", headers, body, signal });
    return { kind: "answered", upstream: { statusCode, headers: answered, body: stream } };
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
    if (code === "") throw error;
    return { kind: unsent.has(code) ? "unreachable" : "broken", detail: code };
  }
}

/** Errors before the first byte left. */
const unsent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The provider is busy or broken for the moment; everything else is its final word. */
export function isWorthRetrying(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

const quickAttempts = 3;

/**
 * How long to wait before attempt `attempt` (from 1). What the provider asks for comes first, however long: coming
 * back earlier than it says only keeps a person waiting for the same answer. But who says "at once" for ever would have
 * us, and the shared store of reservations, run in circles.
 */
export function retryDelayMs(attempt: number, upstream: Pick<Upstream, "headers"> | null, now: Date): number {
  const own = Math.min(30_000, 500 * 2 ** (attempt - 1));
  const least = attempt <= quickAttempts ? 0 : own;
  const asked = String(upstream?.headers["retry-after"] ?? "").trim();
  if (/^\d+(\.\d+)?$/.test(asked)) return Math.max(least, Number(asked) * 1000);
  // HTTP lets it be a date, too; of years that Date.parse reads into other words we make nothing.
  const at = /^[A-Z][a-z]{2}, /.test(asked) ? Date.parse(asked) : Number.NaN;
  if (!Number.isNaN(at)) return Math.max(least, at - now.getTime());
  return own;
}

/** False when the wait would end after the run's own time. */
export async function waitInTime(
  clock: Clock,
  delayMs: number,
  limit: { untilMs: number; signal: AbortSignal },
): Promise<boolean> {
  if (clock.monotonicMs() + delayMs >= limit.untilMs) return false;
  await clock.wait(delayMs, limit.signal);
  return !limit.signal.aborted;
}
