import { type ApiRequest } from "./read-answer.ts";
import type { Clock } from "../ports/clock.ts";
import { openDispatcher } from "./open-dispatcher.ts";
import type { ReachGate } from "./reach-gate.ts";
import type { Outage } from "./tell-outage.ts";
import { read } from "./read-answer.ts";
import { Problem, isProblem } from "@feedback-chat/protocol/problem";
import { leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { type HttpProxies, proxyFor, shownProxy } from "@feedback-chat/protocol/http-proxies";
import { fetch } from "undici";
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
  httpProxies: HttpProxies;
};
type Deps = { clock: Clock; gate: ReachGate; outage: Outage };

/** Speaks to the control plane: Bearer key, lease header, time limits, problems as `Problem`. */
export function createHttpClient({ clock, gate, outage }: Deps, settings: HttpSettings): HttpClient {
  const dispatcher = openDispatcher(settings);
  const { origin } = new URL(settings.baseUrl);
  const proxy = proxyFor(settings.baseUrl, settings.httpProxies);
  const place = proxy === null ? origin : `${origin}, through the proxy ${shownProxy(proxy)},`;

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
      outage.answered();
      return { answer, sentAtMs };
    } catch (error) {
      if (request.signal.aborted) throw givenUp(request);
      if (isWorthAnotherTry(error)) {
        gate.missed(retryAfterMs(error));
        outage.missed(error);
      } else {
        gate.answered();
        outage.answered();
      }
      throw error;
    }
  }

  async function send<T>(request: ApiRequest<T>): Promise<T> {
    const limitSeconds = request.waitSeconds === undefined ? settings.totalSeconds : request.waitSeconds + 10;
    const isBytes = request.body instanceof Uint8Array;
    const response = await reach(place, () =>
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
    return reach(place, () => read(response, request));
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
async function reach<T>(place: string, talk: () => Promise<T>): Promise<T> {
  try {
    return await talk();
  } catch (error) {
    if (isProblem(error) || error instanceof z.ZodError || !(error instanceof Error)) throw error;
    const cause = networkCause(error);
    const detail = cause?.detail ?? `no answer came (${nameOf(error)})`;
    throw new Problem("network", `The control plane at ${place} cannot be reached: ${detail}.`, {
      ...(cause?.next ? { next: cause.next } : {}),
      cause: error,
    });
  }
}

function nameOf({ name, cause }: Error): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : name;
}
