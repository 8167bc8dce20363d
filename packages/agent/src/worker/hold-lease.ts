import type { Figures } from "@feedback-chat/protocol/figures";
import { isProblem } from "@feedback-chat/protocol/problem";
import { renewAnswer, type Lease } from "@feedback-chat/protocol/worker";
import type { Clock } from "../ports/clock.ts";
import type { StopCause } from "../ports/coordinator.ts";
import { isWorthAnotherTry, type HttpClient } from "../platform/http-client.ts";

/** A lease that is being renewed for as long as its job is in this worker's hands. */
export type HeldLease = {
  /** The agent has to stop; the reason is a `StopCause`. */
  readonly stopped: AbortSignal;
  /** Nothing that we say about this job counts any more. */
  readonly lost: AbortSignal;
  stop(cause: StopCause): void;
  /** The ending is on its way: its own answer tells whether it counts, no longer that of a renewal that came after it. */
  startEnding(): void;
  /** After the ending was taken: no further renewal, and what is still on its way is given up. */
  end(): Promise<void>;
};

type Deps = { http: HttpClient; clock: Clock; onDrain(): void; onProblem(error: unknown): void };

const leaseEnds = ["lease_lost", "already_final", "not_found"] as const;

/**
 * Renews until `end()`. A renewal waits at the server for a signal, so cancel and drain arrive at once; it waits
 * a quarter of the renewal time only, because a renewal counts from when it was *sent* and *confirmed*: after an
 * outage of 20 s of the default figures the same attempt still goes on.
 */
export function holdLease(deps: Deps, lease: Pick<Lease, "jobId" | "attempt" | "token">, figures: Figures): HeldLease {
  const { http, clock, onDrain, onProblem } = deps;
  const stopped = new AbortController();
  const lost = new AbortController();
  const ended = new AbortController();
  const over = AbortSignal.any([ended.signal, lost.signal]);
  const waitSeconds = Math.min(figures.renewWaitSeconds, figures.renewEverySeconds / 4);
  let renewedAtMs = clock.monotonicMs();
  let state: "held" | "ending" | "gone" = "held";

  const loops = Promise.all([renewAgainAndAgain(), watchOwnClock()]);
  return {
    stopped: stopped.signal,
    lost: lost.signal,
    stop: (cause) => stopped.abort(cause),
    startEnding: () => void (state = "ending"),
    async end() {
      ended.abort();
      await loops;
      lost.abort("lease_lost" satisfies StopCause);
    },
  };

  async function renewAgainAndAgain(): Promise<void> {
    while (!over.aborted && state !== "gone") {
      const startedMs = clock.monotonicMs();
      const wasRenewed = await renewOnce();
      // While a signal stands the server answers at once: that must not make a busy loop.
      if (wasRenewed) await clock.wait(figures.renewEverySeconds * 100 - (clock.monotonicMs() - startedMs), over);
    }
  }

  async function renewOnce(): Promise<boolean> {
    try {
      const { answer, sentAtMs } = await http.attempt({
        method: "POST",
        path: `/v1/jobs/${lease.jobId}/renew`,
        body: { waitS: waitSeconds },
        answer: renewAnswer,
        lease,
        waitSeconds,
        signal: over,
      });
      renewedAtMs = sentAtMs;
      if (answer.cancel) stopped.abort("cancelled" satisfies StopCause);
      if (answer.drain) onDrain();
      return true;
    } catch (error) {
      if (over.aborted || isWorthAnotherTry(error)) return false;
      // A job that is gone is no trouble of the worker's; a revoked key is.
      const isGone = leaseEnds.some((code) => isProblem(error, code));
      if (!isGone) onProblem(error);
      if (isGone && state === "ending") state = "gone";
      else loseLease();
      return false;
    }
  }

  /** Our own clock ends the job when no renewal came through: by then another worker may hold it. */
  async function watchOwnClock(): Promise<void> {
    while (!over.aborted) {
      const leftMs = renewedAtMs + figures.selfStopSeconds * 1000 - clock.monotonicMs();
      if (leftMs <= 0) return loseLease();
      await clock.wait(leftMs, over);
    }
  }

  function loseLease(): void {
    stopped.abort("lease_lost" satisfies StopCause);
    lost.abort("lease_lost" satisfies StopCause);
  }
}
