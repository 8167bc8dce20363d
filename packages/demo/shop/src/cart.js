import { findProduct } from "./catalog.js";

/** Puts `quantity` of a product into the cart and gives the new cart. */
export function addToCart(cart, productId, quantity = 1) {
  if (!findProduct(productId)) throw new Error(`There is no product "${productId}".`);
  if (!Number.isInteger(quantity) || quantity < 1) throw new Error("The quantity must be a whole number above 0.");
  const known = cart.find((line) => line.productId === productId);
  if (!known) return [...cart, { productId, quantity }];
  return cart.map((line) => (line === known ? { ...line, quantity: line.quantity + quantity } : line));
}

/** What the whole cart costs, in cents. */
export function cartTotal(cart) {
  return cart.reduce((total, line) => total + findProduct(line.productId).priceCents, 0);
}

/** How many things lie in the cart. */
export function cartCount(cart) {
  return cart.reduce((count, line) => count + line.quantity, 0);
}
