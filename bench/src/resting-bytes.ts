import { setTimeout as pause } from "node:timers/promises";

/** The least of some seconds: garbage comes and goes. */
export async function restingBytes(measure: () => number): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 24; look += 1) {
    await pause(500);
    least = Math.min(least, measure());
  }
  return least;
}
