export type Side = { work(): Promise<unknown>; after?(): Promise<void> };
export type Sides = Record<"ours" | "baseline", Side>;

/**
 * Seconds of each side, one after the other, round by round, so that both see the same machine; `after` is not
 * counted.
 */
export async function alternate(count: number, sides: Sides): Promise<Record<keyof Sides, number[]>> {
  const seconds: Record<keyof Sides, number[]> = { ours: [], baseline: [] };
  for (let round = 0; round < count; round += 1) {
    for (const name of ["ours", "baseline"] as const) {
      const { work, after } = sides[name];
      const startMs = performance.now();
      await work();
      seconds[name].push((performance.now() - startMs) / 1_000);
      await after?.();
    }
  }
  return seconds;
}
