import { fromProblemDetails, isProblem, Problem, problemDetails } from "@feedback-chat/protocol/problem";
import { leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";
import { EnvHttpProxyAgent, fetch, type Response } from "undici";
import * as z from "zod";
import type { Clock } from "../ports/clock.ts";
import type { ReachGate } from "./reach-gate.ts";

export type ApiRequest<T> = {
  method: "GET" | "POST" | "PUT";
  path: string;
  /** JSON, or the bytes of an artifact. */
  body?: unknown;
  /** Null for an answer without content that matters. */
  answer: z.ZodType<T>;
  lease?: { attempt: number; token: string };
  /** How long the server may hold the answer back. */
  waitSeconds?: number;
  /** Ends the call and all its repetitions. */
  signal: AbortSignal;
};

export type HttpClient = {
  /**
   * One try. @returns the answer and when it was sent, on the monotonic clock.
   * @throws Problem network, unavailable, rate_limited (worth another try), or what the server answered.
   */
  attempt<T>(request: ApiRequest<T>): Promise<{ answer: T; sentAtMs: number }>;
  /** Tries until the server answers or `signal` aborts. Every call of the worker protocol may be repeated. */
  call<T>(request: ApiRequest<T>): Promise<T>;
  close(): Promise<void>;
};

export type HttpSettings = {
  baseUrl: string;
  workerKey: string;
  version: string;
  connectSeconds: number;
  totalSeconds: number;
  /** Named even when empty: else undici would read the environment by itself. */
  httpProxies: { httpProxy: string; httpsProxy: string; noProxy: string };
};
type Deps = { clock: Clock; gate: ReachGate };

/** Speaks to the control plane: Bearer key, lease header, time limits, problems as `Problem`. */
export function createHttpClient({ clock, gate }: Deps, settings: HttpSettings): HttpClient {
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: settings.connectSeconds * 1000 },
    ...settings.httpProxies,
  });

  return {
    attempt,
    async call(request) {
      for (;;) {
        try {
          return (await attempt(request)).answer;
        } catch (error) {
          if (!isWorthAnotherTry(error) || request.signal.aborted) throw error;
        }
      }
    },
    close: () => dispatcher.destroy(),
  };

  async function attempt<T>(request: ApiRequest<T>): Promise<{ answer: T; sentAtMs: number }> {
    await gate.pass(request.signal);
    if (request.signal.aborted) throw givenUp(request);
    const sentAtMs = clock.monotonicMs();
    try {
      const answer = await send(request);
      gate.answered();
      return { answer, sentAtMs };
    } catch (error) {
      if (request.signal.aborted) throw givenUp(request);
      if (isWorthAnotherTry(error)) gate.missed(retryAfterMs(error));
      else gate.answered();
      throw error;
    }
  }

  async function send<T>(request: ApiRequest<T>): Promise<T> {
    const limitSeconds = request.waitSeconds === undefined ? settings.totalSeconds : request.waitSeconds + 10;
    const isBytes = request.body instanceof Uint8Array;
    const response = await reach(request.path, () =>
      fetch(new URL(request.path, settings.baseUrl), {
        method: request.method,
        dispatcher,
        redirect: "manual", // the key must not follow to another origin
        signal: AbortSignal.any([request.signal, AbortSignal.timeout(limitSeconds * 1000)]),
        headers: {
          authorization: `Bearer ${settings.workerKey}`,
          accept: "application/json",
          "user-agent": `feedback-chat-worker/${settings.version}`,
          ...(request.lease ? { [leaseHeader]: leaseHeaderValue(request.lease) } : {}),
          ...(request.body === undefined
            ? {}
            : { "content-type": isBytes ? "application/octet-stream" : "application/json" }),
        },
        ...(request.body === undefined
          ? {}
          : { body: isBytes ? (request.body as Uint8Array) : JSON.stringify(request.body) }),
      }),
    );
    return reach(request.path, () => read(response, request));
  }
}

/** Schema for an answer that is the bytes of an artifact. */
export const bytes = z.instanceof(Uint8Array);
/** Schema for an answer of which only the success matters. */
export const anything = z.unknown();

export function isWorthAnotherTry(error: unknown): boolean {
  return isProblem(error, "network") || isProblem(error, "unavailable") || isProblem(error, "rate_limited");
}

async function read<T>(response: Response, request: ApiRequest<T>): Promise<T> {
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && (request.answer as unknown) === bytes)
    return request.answer.parse(new Uint8Array(await response.arrayBuffer()));
  const text = await response.text();
  if (!response.ok) throw problemOf(response, type, text);
  if (text === "") return request.answer.parse(undefined);
  if (!type.includes("json")) {
    throw new Problem(
      "network",
      `${request.path} was answered with ${type || "no type"}, not JSON: something else answers at this address.`,
    );
  }
  return request.answer.parse(parseJson(text));
}

function problemOf(response: Response, type: string, text: string): Problem {
  const retryAfter = Number(response.headers.get("retry-after"));
  const waits = retryAfter > 0 ? { retryAfterSeconds: Math.min(retryAfter, 60) } : {};
  const details = type.includes("json") ? problemDetails.safeParse(parseJson(text)) : undefined;
  if (details?.success) return fromProblemDetails({ ...details.data, ...waits });
  const isGone = response.status >= 500 || response.status < 400;
  const code = isGone ? "network" : response.status === 429 ? "rate_limited" : "invalid_request";
  return new Problem(code, `The server answered ${response.status} without a problem that we can read.`, {
    facts: waits,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("network", "The server's answer is broken off or not JSON.", { cause });
  }
}

function retryAfterMs(error: unknown): number {
  const seconds = isProblem(error) ? error.facts["retryAfterSeconds"] : undefined;
  return typeof seconds === "number" ? seconds * 1000 : 0;
}

function givenUp(request: { path: string; signal: AbortSignal }): Problem {
  return new Problem("network", `${request.path} was given up: ${String(request.signal.reason)}.`);
}

/** Whatever goes wrong below HTTP is one Problem that names the cause. */
async function reach<T>(path: string, talk: () => Promise<T>): Promise<T> {
  try {
    return await talk();
  } catch (cause) {
    if (isProblem(cause) || cause instanceof z.ZodError || !(cause instanceof Error)) throw cause;
    const below = cause.cause instanceof Error ? cause.cause : cause;
    const code = "code" in below && typeof below.code === "string" ? below.code : below.name;
    throw new Problem("network", `${path} got no answer: ${code === "TimeoutError" ? "time is over" : code}.`, {
      cause,
    });
  }
}
