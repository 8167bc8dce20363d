import { isProblem } from "@feedback-chat/protocol/problem";
import type { Spend } from "@feedback-chat/protocol/evidence";
import { fitRequest, type JudgedRequest } from "../core/judge-model-request.ts";
import { costMicroUsd, usageOfCut } from "../core/prices.ts";
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
type NoRoom = { scope: "run" | "day"; leftMicroUsd: number };
type Patience = {
  /** The same request with the provider's own count of its prompt, which is below a token a byte. */
  count(request: JudgedRequest): Promise<JudgedRequest>;
  /** Ends the wait for others. */
  signal: AbortSignal;
};
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
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers<void>();
  };

  /**
   * The request as it may be sent; or whose ceiling it would pass. What does not fit whole is counted by the provider
   * first, then waits until the requests under way have settled, and only then gets less output or is refused.
   */
  async function reserve(request: JudgedRequest, { count, signal }: Patience): Promise<Reservation | Refused> {
    let wanted = request;
    let isCounted = false;
    for (;;) {
      const tried = await tryReserve(wanted);
      if ("reservationId" in tried) return tried;
      if (!isCounted && wanted.promptTokens > countedAboveTokens) {
        isCounted = true;
        wanted = await count(wanted);
      } else if (open.size > 0 || pending > 0) await untilChanged(change.promise, signal);
      else return fitAndReserve(wanted, tried);
    }
  }

  /** The whole request or nothing. */
  async function tryReserve(request: JudgedRequest): Promise<Reservation | NoRoom> {
    const leftMicroUsd = ceilingMicroUsd - spent.costMicroUsd - sumOf(open) - pending;
    if (request.worstCase > leftMicroUsd) return { scope: "run", leftMicroUsd };
    pending += request.worstCase;
    try {
      const { reservationId } = await store.reserve(request.worstCase);
      open.set(reservationId, request.worstCase);
      return { reservationId, request };
    } catch (error) {
      if (!isProblem(error, "budget_exceeded")) throw error;
      // Another ceiling, such as the project's day, has less left than ours.
      const left = error.facts.leftMicroUsd;
      return { scope: error.facts.scope === "day" ? "day" : "run", leftMicroUsd: typeof left === "number" ? left : 0 };
    } finally {
      pending -= request.worstCase;
      // Who waits for this one alone has nothing left to wait for.
      if (pending === 0 && open.size === 0) changed();
    }
  }

  async function fitAndReserve(
    request: JudgedRequest,
    { scope, leftMicroUsd }: NoRoom,
  ): Promise<Reservation | Refused> {
    const fitted = fitRequest(request, leftMicroUsd);
    if (fitted === null) return { refused: scope };
    const tried = await tryReserve(fitted);
    if ("reservationId" in tried) return tried;
    // The other ceiling has still less; the store names what is left, so this ends.
    return tried.leftMicroUsd < leftMicroUsd ? fitAndReserve(request, tried) : { refused: tried.scope };
  }

  /** Charges the usage; of an answer that was cut at least what it can have cost; of no answer all that was reserved. */
  async function settle(reservation: Reservation, seen: SeenUsage, elapsedMs: number): Promise<Settlement> {
    const { price, worstCase, maxTokens } = reservation.request;
    const usage = seen.isFinal ? seen.usage : usageOfCut(seen.usage, { elapsedMs, maxTokens });
    const known = usage === null ? null : costMicroUsd(price, usage);
    const tokens = usage === null ? { input: 0, output: 0 } : tokensOf(usage);
    return book(reservation, { costMicroUsd: known ?? worstCase, tokens, isKnown: known !== null });
  }

  /** The provider answered that it did nothing. */
  async function release(reservation: Reservation): Promise<Settlement> {
    return book(reservation, { costMicroUsd: 0, tokens: { input: 0, output: 0 }, isKnown: true });
  }

  async function book(reservation: Reservation, settlement: Settlement): Promise<Settlement> {
    try {
      await store.settle({ reservationId: reservation.reservationId }, settlement.costMicroUsd, settlement.tokens);
    } finally {
      // Only now: who waits for room would else be told by the store that there is none.
      open.delete(reservation.reservationId);
      if (settlement.costMicroUsd > 0) turns += 1;
      spent.costMicroUsd += settlement.costMicroUsd;
      spent.inputTokens += settlement.tokens.input;
      spent.outputTokens += settlement.tokens.output;
      changed();
    }
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

/** Below it a byte a token is little money, and the provider's count a round trip. */
const countedAboveTokens = 64_000;

async function untilChanged(change: Promise<void>, signal: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<never>();
  const leave = () => gone.reject(signal.reason as Error);
  signal.throwIfAborted();
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([change, gone.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
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
