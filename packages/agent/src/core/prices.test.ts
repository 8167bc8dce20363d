import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { affordableTokens, costMicroUsd, prices, worstCaseMicroUsd } from "./prices.ts";

const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
const model = "claude-sonnet-4-5";
const count = fc.integer({ min: 0, max: 300_000 });

describe("costMicroUsd", () => {
  it("charges each class its own price", () => {
    expect(costMicroUsd(model, { ...usage, input: 1_000_000 })).toBe(3_000_000);
    expect(costMicroUsd(model, { ...usage, output: 1_000_000 })).toBe(15_000_000);
    expect(
      costMicroUsd(model, {
        ...usage,
        cacheRead: 1_000_000,
        cacheWrite5m: 1_000_000,
        cacheWrite1h: 1_000_000,
      }),
    ).toBe(300_000 + 3_750_000 + 6_000_000);
  });

  it("rounds up, and knows dearer long prompts", () => {
    expect(costMicroUsd("claude-haiku-5-5", { ...usage, output: 1 })).toBe(1);
    expect(costMicroUsd("claude-haiku-5-5", { ...usage, input: 100_000 })).toBe(10_000);
    expect(costMicroUsd("claude-haiku-5-5", { ...usage, input: 200_000 })).toBe(100_000);
  });

  it("knows no price of a model that is not in the table, nor of an object's own members", () => {
    for (const name of ["claude-next", "", "constructor", "__proto__", "toString"])
      expect(costMicroUsd(name, usage)).toBeNull();
  });
});

it("never charges more than the worst case that was reserved", () => {
  const counted = fc.record({
    input: count,
    cacheRead: count,
    cacheWrite5m: count,
    cacheWrite1h: count,
    output: count,
  });
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(prices)), counted, (name, seen) => {
      const promptTokens = seen.input + seen.cacheRead + seen.cacheWrite5m + seen.cacheWrite1h;
      const worst = worstCaseMicroUsd(name, { promptTokens, maxTokens: seen.output });
      expect(costMicroUsd(name, seen)).toBeLessThanOrEqual(worst ?? -1);
    }),
  );
});

it("affords what fits, and not one token more", () => {
  fc.assert(
    fc.property(count, fc.integer({ min: 0, max: 5_000_000 }), (promptTokens, left) => {
      const maxTokens = affordableTokens(model, promptTokens, left);
      if (maxTokens > 0) expect(worstCaseMicroUsd(model, { promptTokens, maxTokens })).toBeLessThanOrEqual(left);
      expect(worstCaseMicroUsd(model, { promptTokens, maxTokens: maxTokens + 1 })).toBeGreaterThan(left);
    }),
  );
});
