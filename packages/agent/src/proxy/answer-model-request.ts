import type { IncomingMessage, ServerResponse } from "node:http";
import { judgeModelRequest, type JudgedRequest } from "../core/judge-model-request.ts";
import {
  type Attempt,
  callModel,
  isSettled,
  isWorthRetrying,
  retryDelayMs,
  type Upstream,
  waitInTime,
} from "./call-model.ts";
import { type NetworkCause, proxyRefusal } from "@feedback-chat/protocol/network-cause";
import { countPrompt } from "./count-prompt.ts";
import { requestHeaders } from "./headers.ts";
import { passAnswer } from "./pass-answer.ts";
import { openBody, type HeldBytes, type Refusal, tooMuchMedia } from "./read-body.ts";
import { bodyUsageReader, streamUsageReader, type SeenUsage } from "./read-usage.ts";
import type { Refused, Reservation, Settlement, SpendBook } from "./spend-book.ts";
import type { ProxyDeps, ProxyEnd, ProxyOptions, RequestFacts } from "./start-model-proxy.ts";
import type { Turnstile } from "./turnstile.ts";
import { whenAborted } from "./when-aborted.ts";

export type Context = ProxyDeps &
  ProxyOptions & {
    book: SpendBook;
    origin: string;
    basePath: string;
    untilMs: number;
    turnstile: Turnstile;
    held: HeldBytes;
    closing: AbortSignal;
    ended: { ended: ProxyEnd | null };
    end(why: ProxyEnd): void;
  };
type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  target: "messages" | "count";
};

/** One request from its first byte to its settlement. */
export async function answerModelRequest(context: Context, exchange: Exchange): Promise<void> {
  const { request, response, target } = exchange;
  const startMs = context.clock.monotonicMs();
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("the client left")));
  const signal = AbortSignal.any([gone.signal, context.closing]);
  const tell = (facts: Partial<RequestFacts> & Pick<RequestFacts, "outcome" | "status">) =>
    context.onRequest({
      model: "",
      attempts: 0,
      inputTokens: 0,
      outputTokens: 0,
      costMicroUsd: 0,
      detail: "",
      ...facts,
      latencyMs: Math.round(context.clock.monotonicMs() - startMs),
    });
  const refuseWith = (refusal: Refusal, outcome: RequestFacts["outcome"] = "refused") => {
    refuse(request, response, refusal);
    tell({ outcome, status: refusal.status, detail: refusal.message });
  };

  const body = openBody(request, { held: context.held, signal });
  response.once("close", body.letGo);
  const said = await body.text.catch(whenAborted(signal));
  if (said === undefined) return tell({ outcome: "cut", status: 0 });
  if (typeof said !== "string") return refuseWith(said);
  const judged = judgeModelRequest(said, {
    models: context.models,
    isCountOnly: target === "count",
  });
  if (!judged.ok) return refuseWith({ status: 403, type: "permission_error", message: judged.reason });
  const over = context.ended.ended;
  if (over !== null) return refuseWith(refusalOf(over), over.reason === "budget" ? "budget" : "unavailable");

  const leave = await context.turnstile.enter(signal).catch(whenAborted(signal));
  if (!leave) return tell({ outcome: "cut", status: 0, model: judged.model });
  try {
    const result = await forward(context, { judged, exchange, signal });
    if ("type" in result) return refuseWith(result);
    if ("reason" in result) {
      context.end(result);
      return refuseWith(refusalOf(result), result.reason === "budget" ? "budget" : "unavailable");
    }
    const { settlement, status, attempts, isCut } = result;
    const { tokens, costMicroUsd } = settlement;
    tell({
      outcome: isCut ? "cut" : "answered",
      status,
      attempts,
      model: judged.model,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      costMicroUsd,
    });
  } finally {
    leave();
  }
}

type Forwarding = { judged: JudgedRequest; exchange: Exchange; signal: AbortSignal };
type Forwarded = { settlement: Settlement; status: number; attempts: number; isCut: boolean };

/** Sends until the provider answers, or the run's time is over. Every attempt is paid for before it goes. */
async function forward(context: Context, forwarding: Forwarding): Promise<Forwarded | ProxyEnd | Refusal> {
  const { judged, exchange, signal } = forwarding;
  const cut = (attempts: number): Forwarded => ({ settlement: nothing, status: 0, attempts, isCut: true });
  const reach = { untilMs: Math.min(context.untilMs, context.clock.monotonicMs() + unreachableMs), signal };
  for (let attempts = 1; ; attempts++) {
    const reservation = exchange.target === "count" ? null : await reserve(context, forwarding);
    if (reservation === "cut") return cut(attempts);
    if (reservation && "refused" in reservation) return judged.hasPdf ? noRoomForPdf : noRoom(reservation);
    const startMs = context.clock.monotonicMs();
    const attempt = await send(context, {
      judged: reservation?.request ?? judged,
      exchange,
      signal,
      reservation,
    });
    if (attempt === "cut") return cut(attempts);
    if (attempt.kind === "unsent") {
      if (
        !isSettled(attempt.cause) &&
        (await waitInTime(context.clock, retryDelayMs(attempts, null, context.clock.now()), reach))
      )
        continue;
      return signal.aborted ? cut(attempts) : unreachable(context, attempt.cause);
    }
    if (attempt.kind === "answered" && isRedirect(attempt.upstream.statusCode)) {
      await attempt.upstream.body.dump().catch(whenAborted(signal));
      return redirected(context, attempt.upstream);
    }
    if (attempt.kind === "answered" && !isWorthRetrying(attempt.upstream.statusCode)) {
      return {
        ...(await pass(context, { upstream: attempt.upstream, reservation, exchange, startMs })),
        attempts,
      };
    }
    const upstream = attempt.kind === "answered" ? attempt.upstream : null;
    await upstream?.body.dump().catch(whenAborted(signal));
    const status = upstream?.statusCode ?? null;
    const delayMs = retryDelayMs(attempts, upstream, context.clock.now());
    if (await waitInTime(context.clock, delayMs, { untilMs: context.untilMs, signal })) continue;
    if (signal.aborted) return cut(attempts);
    return { reason: "model_unavailable", detail: unavailable({ status, attempts, delayMs }), status };
  }
}

/** How long a provider that no connection reaches is tried again: a person waits for the answer. */
const unreachableMs = 60_000;

function unreachable({ origin }: Context, { kind, detail, next }: NetworkCause): ProxyEnd {
  const then = next ?? "Check the address and the network, then retry.";
  return {
    reason: "network",
    detail: `The model at ${origin} cannot be reached: ${detail}. ${then}`,
    status: null,
    isPassing: kind !== "certificate" && kind !== "proxy",
  };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Followed by nobody: the address is a constant of the run, and the key goes nowhere else. */
function redirected({ origin }: Context, { statusCode, headers }: Upstream): ProxyEnd {
  const to = String(headers["location"] ?? "");
  const where = URL.canParse(to) ? ` to ${new URL(to).origin}` : "";
  const detail = `The model at ${origin} redirects (${statusCode})${where}. Set ANTHROPIC_BASE_URL to the address itself.`;
  return { reason: "network", detail, status: statusCode, isPassing: false };
}

/** Room for the request's worst case; `cut` when its client left while it waited. */
async function reserve(context: Context, { judged, exchange, signal }: Forwarding) {
  const count = (request: JudgedRequest) =>
    countPrompt(context, { request, headers: exchange.request.headers, signal });
  return (await context.book.reserve(judged, { count, signal }).catch(whenAborted(signal))) ?? ("cut" as const);
}

/** The run goes on without the PDF; what does not fit either way is refused when it comes without. */
const noRoomForPdf = tooMuchMedia("the budget has no room for a PDF; read its text with a program");

function noRoom({ refused: scope }: Refused): ProxyEnd {
  const whose = scope === "day" ? "The project's budget for 24 hours" : "The run's budget";
  return { reason: "budget", scope, detail: `${whose} has no room for the next request.`, status: null };
}

function unavailable({ status, attempts, delayMs }: { status: number | null; attempts: number; delayMs: number }) {
  const times = attempts === 1 ? "once" : `${attempts} times`;
  return `The model answered ${status ?? "nothing"} ${times}; another try in ${Math.ceil(delayMs / 1000)} s would be after the run's own minutes.`;
}

const nothing: Settlement = { costMicroUsd: 0, tokens: { input: 0, output: 0 }, isKnown: true };

/** One attempt, with its reservation settled where the answer decides about it already. */
async function send(
  context: Context,
  { judged, exchange, signal, reservation }: Forwarding & { reservation: Reservation | null },
): Promise<Attempt | "cut"> {
  const call = {
    path: context.basePath + (exchange.request.url ?? ""),
    headers: requestHeaders(exchange.request.headers, context.credential),
    body: judged.body,
    signal,
  };
  const startMs = context.clock.monotonicMs();
  const attempt = await callModel(context, call).catch(whenAborted(signal));
  const elapsedMs = context.clock.monotonicMs() - startMs;
  if (reservation === null) return attempt ?? "cut";
  if (attempt === undefined || attempt.kind === "broken")
    await context.book.settle(reservation, { usage: null, isFinal: false }, 0);
  else if (attempt.kind === "unsent") await context.book.release(reservation);
  else if (isLate(attempt.upstream.statusCode, elapsedMs)) {
    const input = reservation.request.promptTokens;
    const usage = { input, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    await context.book.settle(reservation, { usage, isFinal: false }, elapsedMs);
  } else if (attempt.upstream.statusCode >= 300) await context.book.release(reservation);
  return attempt ?? "cut";
}

/** A gateway that waited for too long: behind it the model has worked, and is paid. */
function isLate(status: number, elapsedMs: number): boolean {
  return (status === 408 || status === 504 || status === 524) && elapsedMs > 5_000;
}

type Passing = { upstream: Upstream; reservation: Reservation | null; exchange: Exchange; startMs: number };
/** A provider hears of a client that left a moment later, and bills what it wrote until then. */
const hangUpMs = 1_000;

/** Hands the answer through and reads its usage on the side. Whoever cuts it, it is charged. */
async function pass(
  context: Context,
  { upstream, reservation, exchange, startMs }: Passing,
): Promise<Omit<Forwarded, "attempts">> {
  const { response } = exchange;
  const { statusCode: status } = upstream;
  if (status === 401 || status === 403)
    context.end({
      reason: "credential",
      detail: `the model refuses the credential: ${status}`,
      status,
    });
  if (status === 407) context.end(unreachable(context, proxyRefusal(status)));
  const isEvents = String(upstream.headers["content-type"] ?? "").startsWith("text/event-stream");
  const reader = isEvents ? streamUsageReader() : bodyUsageReader();
  const isCut = await passAnswer(upstream, { response, credential: context.credential, see: reader.push });
  if (reservation === null || status >= 400) return { settlement: nothing, status, isCut };
  const elapsedMs = context.clock.monotonicMs() - startMs + hangUpMs;
  return {
    settlement: await context.book.settle(reservation, reader.end() satisfies SeenUsage, elapsedMs),
    status,
    isCut,
  };
}

/** 402 and 403 end the engine at once; everything else it would try again, so we say that it should not. */
function refusalOf(end: ProxyEnd): Refusal {
  if (end.reason === "budget") return { status: 402, type: "billing_error", message: end.detail };
  if (end.reason === "credential")
    return { status: 403, type: "permission_error", message: "the model's credential is refused" };
  return { status: 503, type: "overloaded_error", message: "the model is not available" };
}

/** An error in the API's own shape. The connection is not used again where the rest of the body was not read. */
export function refuse(request: IncomingMessage, response: ServerResponse, { status, type, message }: Refusal): void {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify({ type: "error", error: { type, message } });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "x-should-retry": "false",
  };
  if (!request.complete) headers.connection = "close";
  response.writeHead(status, headers).end(body);
}
