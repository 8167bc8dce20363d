import type { Clock } from "../ports/clock.ts";

/** A yes counts this long after its question. */
export const yesGoodMs = 5_000;

/**
 * Asks whether the permit still holds, and again if the yes is an old one: a process that was stopped between question
 * and answer finds a yes of another time when it wakes.
 * @throws what `ask` throws
 */
export async function confirmPermit({ clock, ask }: { clock: Clock; ask(): Promise<void> }): Promise<void> {
  for (;;) {
    const askedMs = clock.monotonicMs();
    await ask();
    if (clock.monotonicMs() - askedMs <= yesGoodMs) return;
  }
}
