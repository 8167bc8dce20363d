import assert from "node:assert/strict";
import { test } from "node:test";
import { addToCart, cartCount, cartTotal } from "../src/cart.js";

test("an empty cart costs nothing", () => {
  assert.equal(cartTotal([]), 0);
});

test("one thing costs its price", () => {
  assert.equal(cartTotal(addToCart([], "mug")), 1450);
});

test("the same product twice is one line", () => {
  const cart = addToCart(addToCart([], "tea"), "tea", 2);
  assert.deepEqual(cart, [{ productId: "tea", quantity: 3 }]);
  assert.equal(cartCount(cart), 3);
});

test("several of one thing cost several times its price", () => {
  assert.equal(cartTotal(addToCart([], "mug", 3)), 4350);
});

test("refuses what is not in the catalog", () => {
  assert.throws(() => addToCart([], "spaceship"), /no product/);
});
