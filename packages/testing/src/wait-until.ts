/**
 * Asks again until the answer is there; the condition, not the time, ends it.
 * @throws Error with `what` and the last thing that was seen, after `seconds`.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false | null>,
  seconds = 60,
): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`Waited ${seconds} s in vain: ${what}`);
    await new Promise((again) => {
      setTimeout(again, 50);
    });
  }
}
