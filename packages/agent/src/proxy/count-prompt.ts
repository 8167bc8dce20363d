import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { countingBody, type JudgedRequest, withCountedPrompt } from "../core/judge-model-request.ts";
import { callModel } from "./call-model.ts";
import { type ModelCredential, requestHeaders } from "./headers.ts";
import { beginningOf } from "./pass-answer.ts";
import { whenAborted } from "./when-aborted.ts";

const countMs = 10_000;
const counted = z.object({ input_tokens: z.int().nonnegative() });

/** The provider's own count of the prompt, which is free; without one a byte counts as a token. */
export async function countPrompt(
  upstream: Parameters<typeof callModel>[0] & { basePath: string; credential: ModelCredential },
  { request, headers, signal }: { request: JudgedRequest; headers: IncomingHttpHeaders; signal: AbortSignal },
): Promise<JudgedRequest> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(countMs)]);
  const call = {
    path: `${upstream.basePath}/v1/messages/count_tokens`,
    headers: requestHeaders(headers, upstream.credential),
    body: countingBody(request),
    signal: inTime,
  };
  const attempt = await callModel(upstream, call).catch(whenAborted(inTime));
  if (attempt?.kind !== "answered") return request;
  // Whatever becomes of it: the request itself goes on without a count.
  const [said] = await Promise.allSettled([beginningOf(attempt.upstream)]);
  if (attempt.upstream.statusCode !== 200 || said.status === "rejected") return request;
  const answer = counted.safeParse(jsonOrNull(said.value));
  return answer.success ? withCountedPrompt(request, answer.data.input_tokens) : request;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
