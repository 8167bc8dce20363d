import * as z from "zod";
import { Problem, fromProblemDetails, problemDetails } from "@feedback-chat/protocol/problem";
import type { Response } from "undici";

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

/** Schema for an answer that is the bytes of an artifact. */
export const bytes = z.instanceof(Uint8Array);

export async function read<T>(response: Response, request: ApiRequest<T>): Promise<T> {
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
