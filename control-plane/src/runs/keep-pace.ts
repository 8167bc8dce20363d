import type { AppDeps } from "../app-deps.ts";
import type { Signals } from "../platform/signals.ts";
import type { Sse } from "../platform/serve-sse.ts";

type Deps = Pick<AppDeps, "config" | "now">;
export type Pace = {
  /** Until the stream's next signal, or until something of the below is due, which it does then. */
  wait(next: ReturnType<Signals["next"]>): Promise<void>;
  /** Does what is due: a stream that always has something to send waits for no signal. */
  look(): Promise<void>;
};

/**
 * Says something at least every 15 s, and asks every 10 s whether the reader may still read, whatever else happens on
 * the stream. Both throw when it may not.
 */
export function keepPace({ config, now }: Deps, sse: Sse, recheck: () => Promise<void>): Pace {
  const { sseCommentSeconds, accessRecheckSeconds } = config.figures;
  let [spokenMs, checkedMs] = [now().getTime(), now().getTime()];
  const dueMs = () => Math.min(spokenMs + sseCommentSeconds * 1_000, checkedMs + accessRecheckSeconds * 1_000);
  const look = async () => {
    if (sse.closed.aborted) return;
    const at = now().getTime();
    if (at >= checkedMs + accessRecheckSeconds * 1_000) {
      await recheck();
      checkedMs = at;
    }
    if (at >= spokenMs + sseCommentSeconds * 1_000) {
      await sse.comment();
      spokenMs = at;
    }
  };
  return {
    look,
    async wait(next) {
      // A timer may be a millisecond early: then it would wait a whole round more.
      await next.wait(Math.max(0, dueMs() - now().getTime()) + 2, sse.closed);
      await look();
    },
  };
}
