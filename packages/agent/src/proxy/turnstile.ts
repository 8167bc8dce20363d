export type Turnstile = {
  /** Waits for a place; call what it gives to leave it. @throws the signal's reason */
  enter(signal: AbortSignal): Promise<() => void>;
};

/** Lets `places` in at once, the others in the order in which they came. */
export function makeTurnstile(places: number): Turnstile {
  const waiting: (() => void)[] = [];
  let free = places;
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (free > 0) free--;
      else await queueUp(waiting, signal);
      let isIn = true;
      return () => {
        if (isIn) leave();
        isIn = false;
      };
    },
  };
}

function queueUp(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const admit = () => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    const giveUp = () => {
      waiting.splice(waiting.indexOf(admit), 1);
      reject(signal.reason as Error);
    };
    waiting.push(admit);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
