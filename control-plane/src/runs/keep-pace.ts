import type { AppDeps } from "../app-deps.ts";
import type { Signals } from "../platform/signals.ts";
import type { Sse } from "../platform/serve-sse.ts";

type Deps = Pick<AppDeps, "config" | "now">;

/**
 * Waits for the next signal of a stream; meanwhile says something every 15 s, and asks every 10 s whether the
 * reader may still read.
 * @returns a function that throws when it may not.
 */
export function keepPace(
  { config, now }: Deps,
  sse: Sse,
  recheck: () => Promise<void>,
): (next: ReturnType<Signals["next"]>) => Promise<void> {
  const { sseCommentSeconds, accessRecheckSeconds } = config.figures;
  let spokenAt = now().getTime();
  let checkedAt = spokenAt;
  return async (next) => {
    const waitSeconds = Math.min(sseCommentSeconds, accessRecheckSeconds);
    await next.wait(waitSeconds * 1000, sse.closed);
    if (sse.closed.aborted) return;
    const at = now().getTime();
    if (at - checkedAt >= accessRecheckSeconds * 1000) {
      await recheck();
      checkedAt = at;
    }
    if (at - spokenAt >= sseCommentSeconds * 1000) {
      await sse.comment();
      spokenAt = at;
    }
  };
}
