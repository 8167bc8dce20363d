import { claimAnswer, type Lease } from "@feedback-chat/protocol/worker";
import { isWorthAnotherTry, type HttpClient } from "../platform/http-client.ts";

type Deps = { http: HttpClient; newUuid(): string };

/**
 * Waits for a job. One `claimId` names this claim in all its repetitions, so a lease whose answer got lost is
 * handed out again, never forgotten: also when `draining` ends the wait.
 */
export async function claimJob(
  deps: Deps,
  input: { workerId: string; waitSeconds: number; draining: AbortSignal; patience: AbortSignal },
): Promise<{ lease: Lease | null; drain: boolean }> {
  const claimId = deps.newUuid();
  const claim = (waitSeconds: number, signal: AbortSignal) =>
    deps.http.call({
      method: "POST",
      path: "/v1/jobs/claim",
      body: { workerId: input.workerId, claimId, waitS: waitSeconds },
      answer: claimAnswer,
      waitSeconds,
      signal,
    });

  try {
    return await claim(input.waitSeconds, AbortSignal.any([input.draining, input.patience]));
  } catch (error) {
    if (!input.draining.aborted) throw error;
    return claimOnceMore(() => claim(0, AbortSignal.timeout(5_000)));
  }
}

/** The server may be gone while we drain: a lease that it may have given then runs out by itself. */
async function claimOnceMore<T>(claim: () => Promise<T>): Promise<T | { lease: null; drain: true }> {
  try {
    return await claim();
  } catch (error) {
    if (isWorthAnotherTry(error)) return { lease: null, drain: true };
    throw error;
  }
}
