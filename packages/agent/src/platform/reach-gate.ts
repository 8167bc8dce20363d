import type { Clock } from "../ports/clock.ts";

/**
 * One gate for all calls to one server. While the server is gone the calls pass it one after another with a
 * growing pause in between, so that a worker with many jobs knocks no more often than one with none.
 */
export type ReachGate = {
  /** Waits for this call's turn; at once while the server answers. Ends early when `signal` aborts. */
  pass(signal: AbortSignal): Promise<void>;
  /** The server answered: everybody who waits may go. */
  answered(): void;
  /** It did not. `pauseMs` is what the server asked for, if it could. */
  missed(pauseMs?: number): void;
};

export type ReachPauses = {
  firstMs: number;
  /** Read at every miss: while a lease is held a worker has to be back before the lease runs out. */
  longestMs(): number;
};

export function createReachGate({ clock, random }: { clock: Clock; random(): number }, pauses: ReachPauses): ReachGate {
  let misses = 0;
  let nextTurnMs = 0;
  let isBack = new AbortController();

  return {
    async pass(signal) {
      if (misses === 0) return;
      const turn = Math.max(clock.monotonicMs(), nextTurnMs);
      nextTurnMs = turn + pauseAfter(misses);
      await clock.wait(turn - clock.monotonicMs(), AbortSignal.any([signal, isBack.signal]));
    },
    answered() {
      if (misses === 0) return;
      misses = 0;
      nextTurnMs = 0;
      isBack.abort();
      isBack = new AbortController();
    },
    missed(pauseMs = 0) {
      misses += 1;
      nextTurnMs = Math.max(nextTurnMs, clock.monotonicMs() + Math.max(pauseMs, pauseAfter(misses)));
    },
  };

  function pauseAfter(count: number): number {
    const grown = Math.min(pauses.firstMs * 1.6 ** (count - 1), Math.max(pauses.firstMs, pauses.longestMs()));
    return grown * (1 + random() * 0.3); // jitter upwards only: the first pause is also the shortest one allowed
  }
}
