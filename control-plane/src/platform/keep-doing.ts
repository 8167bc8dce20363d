import type { Log } from "./log.ts";
import type { Channel, Signals } from "./signals.ts";

type Deps = { log: Log; signals: Pick<Signals, "next"> };
type Rhythm = { name: string; everySeconds: number; channel: Channel | null };
export type Doing = { stop(): Promise<void> };

/**
 * Does `work` now, at every signal of the channel, and every so many seconds in any case: a signal only saves time.
 * What fails is logged and done again at the next turn. `stop` waits for the turn that is under way.
 */
export function keepDoing(
  { log, signals }: Deps,
  { name, everySeconds, channel }: Rhythm,
  work: (stopped: AbortSignal) => Promise<void>,
): Doing {
  const stopping = new AbortController();
  const turns = async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      // Before the work: what is signalled meanwhile is not lost.
      const next = channel === null ? nothingButTime : signals.next(channel, "");
      try {
        await work(stopping.signal);
        failures = 0;
      } catch (error) {
        // Such as a database that is gone: the loop outlives it, and asks less often while it lasts.
        failures = Math.min(failures + 1, 4);
        log.error("background.failed", { name, error });
      }
      await next.wait(everySeconds * 1000 * 2 ** failures, stopping.signal);
    }
  };
  const done = turns();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** A rhythm without a channel is woken by its clock, and by nobody's signal. */
const nothingButTime = {
  async wait(ms: number, abort: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const stop = () => resolve();
    abort.addEventListener("abort", stop, { once: true });
    if (abort.aborted) resolve();
    await promise;
    clearTimeout(timer);
    abort.removeEventListener("abort", stop);
  },
};
