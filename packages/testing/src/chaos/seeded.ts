export type Seeded = {
  /** From 0 to just below 1. */
  next(): number;
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  /** One of the items, each as often as its weight says. */
  weighted<T extends { weight: number }>(items: readonly T[]): T;
};

/** Numbers that are the same again with the same seed (mulberry32). */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(items: readonly T[]): T => {
    const found = items[Math.floor(next() * items.length)];
    if (found === undefined) throw new RangeError("There is nothing to pick from.");
    return found;
  };
  return {
    next,
    pick,
    between: (least, most) => least + next() * (most - least),
    weighted(items) {
      let left = next() * items.reduce((sum, { weight }) => sum + weight, 0);
      return items.find(({ weight }) => (left -= weight) < 0) ?? pick(items);
    },
  };
}
