import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPrice } from "../src/format-price.js";

test("writes cents as euros", () => {
  assert.equal(formatPrice(1450), "14.50 EUR");
  assert.equal(formatPrice(5), "0.05 EUR");
});
