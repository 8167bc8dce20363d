import { Problem } from "@feedback-chat/protocol/problem";
import type { SpendStore } from "../src/proxy/spend-book.ts";

/** A day's ledger in memory, with the ceiling that the control plane or `spend.json` would hold. */
export function memorySpend(
  ceilingMicroUsd = 20_000_000,
): SpendStore & { entries: Map<string, { reserved: number; settled: number | null }> } {
  const entries = new Map<string, { reserved: number; settled: number | null }>();
  const used = () => [...entries.values()].reduce((sum, entry) => sum + (entry.settled ?? entry.reserved), 0);
  return {
    entries,
    async reserve(microUsd) {
      const leftMicroUsd = ceilingMicroUsd - used();
      if (microUsd > leftMicroUsd)
        throw new Problem("budget_exceeded", "The day's budget is used up.", {
          facts: { scope: "day", leftMicroUsd },
        });
      const reservationId = `res-${entries.size + 1}`;
      entries.set(reservationId, { reserved: microUsd, settled: null });
      return { reservationId };
    },
    async settle({ reservationId }, microUsd) {
      const entry = entries.get(reservationId);
      if (!entry) throw new Error(`no reservation ${reservationId}`);
      entry.settled = microUsd;
    },
  };
}
