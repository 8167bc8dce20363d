import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costMicroUsd, listPrices, type Usage, usageOfCut, worstCaseMicroUsd } from "./prices.ts";

const price = listPrices.models["claude-sonnet-4-5"];
if (!price) throw new Error("no price");
const prompt: Usage = { input: 100, output: 1, cacheRead: 2_000, cacheWrite5m: 0, cacheWrite1h: 0 };

describe("usageOfCut", () => {
  it("counts what the model can have written in the time, where less was seen", () => {
    expect(usageOfCut({ ...prompt, output: 40 }, { elapsedMs: 3_000, maxTokens: 16_384 })?.output).toBe(1_500);
    expect(usageOfCut({ ...prompt, output: 4_000 }, { elapsedMs: 3_000, maxTokens: 16_384 })?.output).toBe(4_000);
  });

  it("counts no more than the request allowed", () => {
    expect(usageOfCut(prompt, { elapsedMs: 3_600_000, maxTokens: 1_024 })?.output).toBe(1_024);
  });

  it("knows nothing where no prompt was named: the reservation stays", () => {
    expect(usageOfCut(null, { elapsedMs: 1, maxTokens: 9 })).toBeNull();
    const nothing = { input: 0, output: 7, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    expect(usageOfCut(nothing, { elapsedMs: 1, maxTokens: 9 })).toBeNull();
  });

  it("never books less than a provider that writes 500 tokens a second, nor more than was reserved (property)", () => {
    const written = fc.record({
      elapsedMs: fc.integer({ min: 0, max: 120_000 }),
      maxTokens: fc.integer({ min: 1, max: 16_384 }),
      tokensPerSecond: fc.integer({ min: 0, max: 500 }),
      shown: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(written, ({ elapsedMs, maxTokens, tokensPerSecond, shown }) => {
        const output = Math.min(maxTokens, Math.floor((elapsedMs / 1_000) * tokensPerSecond));
        const seen = { ...prompt, output: Math.floor(output * shown) };
        const booked = usageOfCut(seen, { elapsedMs, maxTokens });
        if (!booked) throw new Error("not booked");
        expect(costMicroUsd(price, booked)).toBeGreaterThanOrEqual(costMicroUsd(price, { ...prompt, output }));
        const promptTokens = 2_100;
        expect(costMicroUsd(price, booked)).toBeLessThanOrEqual(worstCaseMicroUsd(price, { promptTokens, maxTokens }));
      }),
    );
  });
});
