import { isProblem } from "@feedback-chat/protocol/problem";
import type { Spend } from "@feedback-chat/protocol/evidence";
import { fitRequest, type JudgedRequest } from "../core/judge-model-request.ts";
import { costMicroUsd } from "../core/prices.ts";
import type { SeenUsage } from "./read-usage.ts";

export type SpendStore = {
  /** @throws Problem budget_exceeded; its facts may say `leftMicroUsd` and `scope`. */
  reserve(microUsd: number): Promise<{ reservationId: string }>;
  settle(
    reservation: { reservationId: string },
    microUsd: number,
    tokens: { input: number; output: number },
  ): Promise<void>;
};

/** The ceiling that has no room, even for the smallest answer. */
export type Refused = { refused: "run" | "day" };
export type Reservation = { reservationId: string; request: JudgedRequest };
export type Settlement = {
  costMicroUsd: number;
  tokens: { input: number; output: number };
  isKnown: boolean;
};

/** What this run has spent and reserved. The sum never passes its ceiling: the worst case comes off before sending. */
export function openSpendBook({ store, ceilingMicroUsd }: { store: SpendStore; ceilingMicroUsd: number }) {
  const open = new Map<string, number>();
  const spent: Spend = { costMicroUsd: 0, inputTokens: 0, outputTokens: 0 };
  let pending = 0;
  let turns = 0;

  /** The request as it may be sent, with less output where less is left; or whose ceiling it would pass. */
  async function reserve(request: JudgedRequest): Promise<Reservation | Refused> {
    const fitted = fitTo(request, ceilingMicroUsd - spent.costMicroUsd - sumOf(open) - pending);
    if (fitted === null) return { refused: "run" };
    pending += fitted.worstCase;
    try {
      return await reserveInStore(fitted);
    } finally {
      pending -= fitted.worstCase;
    }
  }

  async function reserveInStore(request: JudgedRequest): Promise<Reservation | Refused> {
    try {
      const { reservationId } = await store.reserve(request.worstCase);
      open.set(reservationId, request.worstCase);
      return { reservationId, request };
    } catch (error) {
      if (!isProblem(error, "budget_exceeded")) throw error;
      // Another ceiling, such as the project's day, has less left than ours: once more with that.
      const left = error.facts.leftMicroUsd;
      const fitted = typeof left === "number" && left < request.worstCase ? fitTo(request, left) : null;
      if (fitted !== null) return reserveInStore(fitted);
      return { refused: error.facts.scope === "day" ? "day" : "run" };
    }
  }

  /** Charges what the usage says; without any the reservation stays, as if all of it had been used. */
  async function settle(reservation: Reservation, seen: SeenUsage): Promise<Settlement> {
    const { price, worstCase } = reservation.request;
    const known = seen.usage === null ? null : costMicroUsd(price, seen.usage);
    const tokens = seen.usage === null ? { input: 0, output: 0 } : tokensOf(seen.usage);
    return book(reservation, { costMicroUsd: known ?? worstCase, tokens, isKnown: known !== null });
  }

  /** The provider answered that it did nothing. */
  async function release(reservation: Reservation): Promise<Settlement> {
    return book(reservation, { costMicroUsd: 0, tokens: { input: 0, output: 0 }, isKnown: true });
  }

  async function book(reservation: Reservation, settlement: Settlement): Promise<Settlement> {
    open.delete(reservation.reservationId);
    if (settlement.costMicroUsd > 0) turns += 1;
    spent.costMicroUsd += settlement.costMicroUsd;
    spent.inputTokens += settlement.tokens.input;
    spent.outputTokens += settlement.tokens.output;
    await store.settle({ reservationId: reservation.reservationId }, settlement.costMicroUsd, settlement.tokens);
    return settlement;
  }

  return {
    reserve,
    settle,
    release,
    turns: () => turns,
    /** Open reservations count as spent: that is what is left when nothing more is heard of them. */
    totals: (): Spend => ({ ...spent, costMicroUsd: spent.costMicroUsd + sumOf(open) }),
  };
}
export type SpendBook = ReturnType<typeof openSpendBook>;

function fitTo(request: JudgedRequest, leftMicroUsd: number): JudgedRequest | null {
  return request.worstCase <= leftMicroUsd ? request : fitRequest(request, leftMicroUsd);
}

function tokensOf(usage: NonNullable<SeenUsage["usage"]>): { input: number; output: number } {
  return {
    input: usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h,
    output: usage.output,
  };
}

function sumOf(open: Map<string, number>): number {
  return [...open.values()].reduce((sum, value) => sum + value, 0);
}
