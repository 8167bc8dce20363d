import fc from "fast-check";
import { Problem } from "@feedback-chat/protocol/problem";
import { describe, expect, it } from "vitest";
import { judgeModelRequest, type JudgedRequest } from "../core/judge-model-request.ts";
import { listPrices } from "../core/prices.ts";
import { openSpendBook, type SpendStore } from "./spend-book.ts";

const model = "claude-sonnet-4-5";

function request(maxTokens: number): JudgedRequest {
  const body = { model, max_tokens: maxTokens, messages: [{ role: "user", content: "hi" }] };
  const judged = judgeModelRequest(JSON.stringify(body), { models: listPrices.models, isCountOnly: false });
  if (!judged.ok) throw new Error(judged.reason);
  return judged;
}

/** A ledger without a ceiling of its own. */
function ledger(): SpendStore & { sum(): number } {
  const entries = new Map<string, number>();
  return {
    sum: () => [...entries.values()].reduce((sum, one) => sum + one, 0),
    async reserve(microUsd) {
      const reservationId = `res-${entries.size}`;
      entries.set(reservationId, microUsd);
      return { reservationId };
    },
    async settle({ reservationId }, microUsd) {
      entries.set(reservationId, microUsd);
    },
  };
}

const patience = () => ({
  count: (one: JudgedRequest) => Promise.resolve(one),
  signal: new AbortController().signal,
});
const usage = (output: number) => ({
  usage: { input: 20, output, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  isFinal: true,
});

describe("the run's book", () => {
  it("lets a request wait for those under way, and refuses it only when nothing is under way", async () => {
    const whole = request(4_000).worstCase;
    const book = openSpendBook({ store: ledger(), ceilingMicroUsd: whole + 5_000 });
    const first = await book.reserve(request(4_000), patience());
    if (!("reservationId" in first)) throw new Error("refused");
    const second = book.reserve(request(4_000), patience());
    expect(await Promise.race([second, Promise.resolve("waits")])).toBe("waits");
    await book.settle(first, usage(10), 0);
    const granted = await second;
    expect(granted).toMatchObject({ request: { maxTokens: 4_000 } });
    if (!("reservationId" in granted)) throw new Error("refused");
    await book.settle(granted, usage(4_000), 0);
    expect(await book.reserve(request(4_000), patience())).toEqual({ refused: "run" });
  });

  it("wakes who waits only when the store knows of the settlement too", async () => {
    const whole = request(4_000).worstCase;
    const ceilingMicroUsd = whole + 5_000;
    let used = 0;
    const held = Promise.withResolvers<void>();
    const slow: SpendStore = {
      async reserve(microUsd) {
        if (used + microUsd > ceilingMicroUsd)
          throw new Problem("budget_exceeded", "full", {
            facts: { scope: "run", leftMicroUsd: ceilingMicroUsd - used },
          });
        used += microUsd;
        return { reservationId: `res-${used}` };
      },
      async settle(_reservation, microUsd) {
        await held.promise;
        used += microUsd - whole;
      },
    };
    const book = openSpendBook({ store: slow, ceilingMicroUsd });
    const first = await book.reserve(request(4_000), patience());
    if (!("reservationId" in first)) throw new Error("refused");
    const second = book.reserve(request(4_000), patience());
    const settling = book.settle(first, usage(10), 0);
    held.resolve();
    await settling;
    expect(await second).toMatchObject({ request: { maxTokens: 4_000 } });
  });

  it("lets nobody wait whose client left", async () => {
    const book = openSpendBook({ store: ledger(), ceilingMicroUsd: request(4_000).worstCase });
    await book.reserve(request(4_000), patience());
    const leaving = new AbortController();
    const waiting = book.reserve(request(4_000), { ...patience(), signal: leaving.signal });
    leaving.abort(new Error("the client left"));
    await expect(waiting).rejects.toThrow("the client left");
  });

  it("never passes its ceiling, whatever comes together and however it ends (property)", async () => {
    const steps = fc.array(
      fc.record({
        maxTokens: fc.integer({ min: 1_024, max: 16_384 }),
        output: fc.integer({ min: 0, max: 16_384 }),
        end: fc.constantFrom("final", "cut", "unknown", "unsent"),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 20_000, max: 600_000 }), async (asked, ceilingMicroUsd) => {
        const store = ledger();
        const book = openSpendBook({ store, ceilingMicroUsd });
        await Promise.all(
          asked.map(async ({ maxTokens, output, end }) => {
            const given = await book.reserve(request(maxTokens), patience());
            if (!("reservationId" in given)) return;
            expect(store.sum()).toBeLessThanOrEqual(ceilingMicroUsd);
            const written = Math.min(output, given.request.maxTokens);
            if (end === "unsent") await book.release(given);
            else if (end === "unknown") await book.settle(given, { usage: null, isFinal: false }, 0);
            else await book.settle(given, { ...usage(written), isFinal: end === "final" }, 500);
          }),
        );
        expect(book.totals().costMicroUsd).toBeLessThanOrEqual(ceilingMicroUsd);
        expect(store.sum()).toBe(book.totals().costMicroUsd);
      }),
    );
  });
});
