import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  affordableTokens,
  costMicroUsd,
  listPrices,
  type Price,
  priceOf,
  priceTable,
  worstCaseMicroUsd,
} from "./prices.ts";

const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
const sonnet = known("claude-sonnet-4-5");
const count = fc.integer({ min: 0, max: 300_000 });

describe("costMicroUsd", () => {
  it("charges each class its own price", () => {
    expect(costMicroUsd(sonnet, { ...usage, input: 1_000_000 })).toBe(3_000_000);
    expect(costMicroUsd(sonnet, { ...usage, output: 1_000_000 })).toBe(15_000_000);
    expect(
      costMicroUsd(sonnet, {
        ...usage,
        cacheRead: 1_000_000,
        cacheWrite5m: 1_000_000,
        cacheWrite1h: 1_000_000,
      }),
    ).toBe(300_000 + 3_750_000 + 6_000_000);
  });

  it("rounds up, and knows dearer long prompts", () => {
    expect(costMicroUsd(known("claude-haiku-5-5"), { ...usage, output: 1 })).toBe(1);
    expect(costMicroUsd(known("claude-haiku-5-5"), { ...usage, input: 100_000 })).toBe(10_000);
    expect(costMicroUsd(known("claude-haiku-5-5"), { ...usage, input: 200_000 })).toBe(100_000);
  });

  it("knows no price of a model that is not in the table, nor of an object's own members", () => {
    for (const name of ["claude-next", "", "constructor", "__proto__", "toString"])
      expect(priceOf(name, [listPrices.models])).toBeNull();
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
    fc.property(fc.constantFrom(...Object.values(listPrices.models)), counted, (price, seen) => {
      const promptTokens = seen.input + seen.cacheRead + seen.cacheWrite5m + seen.cacheWrite1h;
      const worst = worstCaseMicroUsd(price, { promptTokens, maxTokens: seen.output });
      expect(costMicroUsd(price, seen)).toBeLessThanOrEqual(worst);
    }),
  );
});

it("affords what fits, and not one token more", () => {
  fc.assert(
    fc.property(count, fc.integer({ min: 0, max: 5_000_000 }), (promptTokens, left) => {
      const maxTokens = affordableTokens(sonnet, promptTokens, left);
      if (maxTokens > 0) expect(worstCaseMicroUsd(sonnet, { promptTokens, maxTokens })).toBeLessThanOrEqual(left);
      expect(worstCaseMicroUsd(sonnet, { promptTokens, maxTokens: maxTokens + 1 })).toBeGreaterThan(left);
    }),
  );
});

describe("priceTable", () => {
  it("counts what is left out as dear as it can be", () => {
    const [dear, exact] = Object.values(
      priceTable({ a: { inputUsd: 3, outputUsd: 15 }, b: { inputUsd: 3, outputUsd: 15, cacheWriteUsd: 3.75, cacheReadUsd: 0.3 } }),
    ); // prettier-ignore
    expect(dear).toEqual({ input: 3e6, output: 15e6, cacheWrite5m: 6e6, cacheWrite1h: 6e6, cacheRead: 3e6 });
    expect(exact).toMatchObject({ cacheWrite5m: 3_750_000, cacheRead: 300_000 });
  });

  it("lets the first table decide that names the model", () => {
    const [mine, theirs] = [1, 2].map((inputUsd) => priceTable({ m: { inputUsd, outputUsd: 1 } }));
    expect(priceOf("m", [{}, mine ?? {}, theirs ?? {}])?.input).toBe(1e6);
  });

  it("affords any output of a model that costs nothing", () => {
    const { free } = priceTable({ free: { inputUsd: 0, outputUsd: 0 } });
    expect(affordableTokens(free ?? sonnet, 10, 1)).toBeGreaterThan(16_384);
    expect(worstCaseMicroUsd(free ?? sonnet, { promptTokens: 10, maxTokens: 16_384 })).toBe(0);
  });
});

function known(name: string): Price {
  const price = priceOf(name, [listPrices.models]);
  if (!price) throw new Error(`no price of ${name}`);
  return price;
}
