import { describe, expect, it } from "vitest";
import { requirePrice } from "./require-price.ts";

const openRouter = "anthropic/claude-sonnet-4.5";
const price = (inputUsd: number) => ({ [openRouter]: { inputUsd, outputUsd: 15 } });

describe("requirePrice", () => {
  it("takes the machine owner's word before the project's, and the project's before our list", () => {
    expect(requirePrice({ model: openRouter, prices: price(5) }, price(4)).input).toBe(4_000_000);
    expect(requirePrice({ model: openRouter, prices: price(5) }, {}).input).toBe(5_000_000);
    const own = { "claude-sonnet-4-5": { inputUsd: 9, outputUsd: 9 } };
    expect(requirePrice({ model: "claude-sonnet-4-5", prices: own }, {}).input).toBe(9_000_000);
    expect(requirePrice({ model: "claude-sonnet-4-5", prices: {} }, {}).input).toBe(3_000_000);
  });

  it("refuses a model without a price, and says where to set one", () => {
    for (const model of [openRouter, "constructor", ""])
      expect(() => requirePrice({ model, prices: {} }, {})).toThrow(
        expect.objectContaining({
          code: "price_unknown",
          message: expect.stringContaining(JSON.stringify(model)),
          next: expect.stringMatching(/FEEDBACK_CHAT_PRICES.*`prices` in the project's settings/),
        }),
      );
  });
});
