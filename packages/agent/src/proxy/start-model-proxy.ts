import { chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import type { Spend } from "@feedback-chat/protocol/evidence";
import { Problem } from "@feedback-chat/protocol/problem";
import type { PriceTable } from "../core/prices.ts";
import type { Clock } from "../ports/clock.ts";
import { ignoring } from "../platform/ignoring.ts";
import { answerModelRequest, refuse } from "./answer-model-request.ts";
import type { ModelCredential } from "./headers.ts";
import { openSpendBook, type SpendStore } from "./spend-book.ts";
import { makeTurnstile } from "./turnstile.ts";

export type ProxyDeps = {
  clock: Clock;
  spend: SpendStore;
  /** An undici dispatcher: the machine's own proxy settings, certificates and time-outs are in it. */
  dispatcher: Dispatcher;
  /** Tokens, cost and latency of each request; never a body. */
  onRequest(facts: RequestFacts): void;
  /** The spend store failed, or there is a bug: that request got no answer, and nothing was sent for it. */
  onFailure(error: unknown): void;
};

export type ProxyOptions = {
  /** On the host; the folder above it must be the job's own. */
  socketPath: string;
  /** Such as `https://api.anthropic.com`: a constant, never built from a request. */
  baseUrl: string;
  credential: ModelCredential;
  /** Those that the run may use, each with its price. */
  models: PriceTable;
  budgetMicroUsd: number;
  /** The run's own time: no retry begins that would end after it. */
  wallSeconds: number;
};

export type RequestFacts = {
  model: string;
  status: number;
  outcome: "answered" | "cut" | "refused" | "budget" | "unavailable";
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  costMicroUsd: number;
  latencyMs: number;
  detail: string;
};

/** Why no further request can succeed; the run's reason comes from here, not from what the engine says. */
export type ProxyEnd = {
  reason: "budget" | "model_unavailable" | "credential" | "network";
  /** Of a budget: whose ceiling it was. */
  scope?: "run" | "day";
  detail: string;
  status: number | null;
  /** Of `network`: another try may succeed, with no setting changed. */
  isPassing?: boolean;
};

export interface ModelProxy extends AsyncDisposable {
  readonly state: { ended: ProxyEnd | null };
  /** Resolves once, with the first reason; never, if there is none. */
  readonly whenEnded: Promise<ProxyEnd>;
  /** Spent, and reserved without an answer. After `close` nothing is added. */
  totals(): Spend;
  /** How many requests were answered, and paid. */
  turns(): number;
  /** Ends all requests, settles them, and removes the socket. */
  close(): Promise<void>;
}

const maxInFlight = 4;
const maxConnections = 256;
const targets = new Map<string, "messages" | "count">([
  ["/v1/messages", "messages"],
  ["/v1/messages?beta=true", "messages"],
  ["/v1/messages/count_tokens", "count"],
  ["/v1/messages/count_tokens?beta=true", "count"],
]);

/**
 * The only exit of a sandbox: one per run, on a unix socket. It holds the model's key in memory, admits two
 * targets, judges and re-serialises each body, and lets nothing out that the run could not pay.
 */
export async function startModelProxy(deps: ProxyDeps, options: ProxyOptions): Promise<ModelProxy> {
  if (Buffer.byteLength(options.socketPath) > 107)
    throw new Problem("sandbox_unavailable", `The path of the model's socket is too long: ${options.socketPath}`, {
      next: "Choose a state folder with a shorter path.",
    });
  const { origin, pathname } = new URL(options.baseUrl);
  const closing = new AbortController();
  const ending = makeEnding();
  const book = openSpendBook({ store: deps.spend, ceilingMicroUsd: options.budgetMicroUsd });
  const inHand = new Set<Promise<void>>();
  const context = {
    ...deps,
    ...options,
    book,
    origin,
    basePath: pathname.replace(/\/$/, ""),
    untilMs: deps.clock.monotonicMs() + options.wallSeconds * 1000,
    turnstile: makeTurnstile(maxInFlight),
    held: { count: 0 },
    closing: closing.signal,
    ended: ending.state,
    end: ending.end,
  };

  const server = createServer(strict, (request, response) => {
    const work = route(context, request, response).catch((error: unknown) => {
      response.destroy();
      deps.onFailure(error);
    });
    inHand.add(work);
    void work.then(() => inHand.delete(work));
  });
  server.maxConnections = maxConnections;
  closeStrangers(server);
  await listen(server, options.socketPath);
  // The folders above let in nobody but the sandbox's uid and us.
  await chmod(options.socketPath, 0o666);

  async function close(): Promise<void> {
    closing.abort(new Error("the proxy is closed"));
    await Promise.all(inHand);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  return {
    state: ending.state,
    whenEnded: ending.promise,
    totals: book.totals,
    turns: book.turns,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const strict = {
  insecureHTTPParser: false,
  requireHostHeader: true,
  maxHeaderSize: 32 * 1024,
  requestTimeout: 60_000,
  headersTimeout: 20_000,
  keepAliveTimeout: 30_000,
};
type Context = Parameters<typeof answerModelRequest>[0];

/** Exact method and raw target: what is not on the list does not exist. */
async function route(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = "" } = request;
  if (method === "HEAD" && url === "/") {
    response.writeHead(200).end();
    return;
  }
  const target = targets.get(url);
  if (target === undefined)
    return refuse(request, response, {
      status: 404,
      type: "not_found_error",
      message: "only /v1/messages is served here",
    });
  if (method !== "POST")
    return refuse(request, response, {
      status: 405,
      type: "invalid_request_error",
      message: "only POST is served here",
    });
  await answerModelRequest(context, { request, response, target });
}

/** CONNECT and Upgrade would make a tunnel of it; a request that cannot be parsed ends its connection. */
function closeStrangers(server: Server): void {
  const say = (socket: { end(text: string): unknown }, status: string) =>
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  server.on("connect", (_request, socket) => say(socket, "405 Method Not Allowed"));
  server.on("upgrade", (_request, socket) => say(socket, "405 Method Not Allowed"));
  server.on("checkExpectation", (_request, response) => response.writeHead(417).end());
  server.on("clientError", (_error, socket) => {
    if (socket.writable) say(socket as Socket, "400 Bad Request");
    else socket.destroy();
  });
  server.on("connection", (socket) => socket.on("error", ignoring("EPIPE", "ECONNRESET")));
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function makeEnding() {
  const state: { ended: ProxyEnd | null } = { ended: null };
  const { promise, resolve } = Promise.withResolvers<ProxyEnd>();
  const end = (why: ProxyEnd) => {
    state.ended ??= why;
    resolve(state.ended);
  };
  return { state, promise, end };
}
