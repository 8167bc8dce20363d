type Patience = {
  seconds?: number;
  /** What was seen last: goes into the error. */
  seen?: () => unknown;
};

/**
 * Asks again until the answer is there; the condition, not the time, ends it.
 * @throws Error with `what` and the last thing that was seen, after `seconds`.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  { seconds = 60, seen }: Patience = {},
): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) {
      const last = seen ? `; last seen: ${JSON.stringify(seen())}` : "";
      throw new Error(`Waited ${seconds} s in vain: ${what}${last}`);
    }
    await new Promise((again) => {
      setTimeout(again, 50);
    });
  }
}
