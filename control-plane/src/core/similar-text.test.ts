import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostSimilar } from "./similar-text.ts";

const known = [
  { id: "total", text: "The total in the cart is wrong when I add two items." },
  { id: "login", text: "I cannot log in with my phone." },
];

describe("reports that say the same", () => {
  it.each([
    "The total in the cart is wrong when adding two items",
    "the TOTAL in the cart is wrong, when i add 2 items!",
  ])("finds the first report of: %s", (text) => {
    expect(mostSimilar(text, known)).toBe("total");
  });

  it.each(["The dark theme hurts my eyes", "The cart", "", "!!!", "I cannot add items to the wish list"])(
    "leaves apart: %s",
    (text) => {
      expect(mostSimilar(text, known)).toBeNull();
    },
  );

  it("finds each text in itself, unless it says nothing", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const isWord = /[\p{L}\p{N}]/u.test(text.normalize("NFKC").toLowerCase());
        return mostSimilar(text, [{ id: "same", text }]) === (isWord ? "same" : null);
      }),
    );
  });
});
