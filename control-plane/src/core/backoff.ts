import type { Figures } from "@feedback-chat/protocol/figures";

/** How long a job rests after its n-th attempt: doubling, ± 20 %. `jitter` is random, from 0 to 1. */
export function backoffSeconds(
  attempt: number,
  { backoffSeconds: first }: Pick<Figures, "backoffSeconds">,
  jitter: number,
): number {
  return first * 2 ** (attempt - 1) * (0.8 + 0.4 * jitter);
}
