import { type NetworkCause, networkCause } from "@feedback-chat/protocol/network-cause";
import type { Dispatcher } from "undici";
import type { Clock } from "../ports/clock.ts";

export type Upstream = {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: Dispatcher.ResponseData["body"];
};
/**
 * `answered`: the provider answered, whatever it said. `unsent`: no connection took the request, so nothing was done and
 * nothing costs. `broken`: it was sent and no answer came, so it may have been done, and paid.
 */
export type Attempt =
  | { kind: "answered"; upstream: Upstream }
  | { kind: "unsent"; cause: NetworkCause }
  | { kind: "broken"; detail: string };

export type Call = {
  path: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
};

/** One attempt. The address is a constant of the run: nothing of a request ever builds it. @throws when aborted on the way */
export async function callModel(
  { dispatcher, origin }: { dispatcher: Dispatcher; origin: string },
  call: Call,
): Promise<Attempt> {
  const { path, headers, body, signal } = call;
  const sending = watchSending(dispatcher);
  try {
    const {
      statusCode,
      headers: answered,
      body: stream,
    } = await sending.dispatcher.request({ origin, path, method: "POST", headers, body, signal });
    return { kind: "answered", upstream: { statusCode, headers: answered, body: stream } };
  } catch (error) {
    if (signal.aborted && sending.hasBegun()) throw error;
    if (signal.aborted) return { kind: "unsent", cause: { kind: "broken", detail: "the client left", next: null } };
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
    if (code === "") throw error;
    if (sending.hasBegun()) return { kind: "broken", detail: code };
    const cause = networkCause(error);
    return {
      kind: "unsent",
      cause: cause ?? { kind: "broken", detail: `no connection was made (${code})`, next: null },
    };
  }
}

/**
 * Knows when a connection takes the request. undici calls `onRequestStart` right before the first byte, when the name is
 * resolved, the proxy has opened its tunnel and TLS stands: an error before that cost nothing, whatever it is called.
 */
function watchSending(dispatcher: Dispatcher): { dispatcher: Dispatcher; hasBegun(): boolean } {
  let hasBegun = false;
  const watching = dispatcher.compose((dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (...given) => {
      hasBegun = true;
      start?.(...given);
    };
    return dispatch(options, handler);
  });
  return { dispatcher: watching, hasBegun: () => hasBegun };
}

/** A mistake in a setting, which no further try mends. */
export function isSettled({ kind }: NetworkCause): boolean {
  return kind === "certificate" || kind === "proxy";
}

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
