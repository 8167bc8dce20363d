import { type ApiRequest } from "./read-answer.ts";
import type { Clock } from "../ports/clock.ts";
import type { ReachGate } from "./reach-gate.ts";
import { read } from "./read-answer.ts";
import { Problem, isProblem } from "@feedback-chat/protocol/problem";
import { leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";
import { EnvHttpProxyAgent, fetch } from "undici";
import * as z from "zod";

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

/** Schema for an answer of which only the success matters. */
export const anything = z.unknown();

export function isWorthAnotherTry(error: unknown): boolean {
  return isProblem(error, "network") || isProblem(error, "unavailable") || isProblem(error, "rate_limited");
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
