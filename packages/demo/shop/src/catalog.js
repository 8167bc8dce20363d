/** Prices in cents. */
export const catalog = [
  { id: "mug", name: "Enamel mug", priceCents: 1450 },
  { id: "tea", name: "Green tea, 100 g", priceCents: 890 },
  { id: "pot", name: "Small teapot", priceCents: 3990 },
];

export function findProduct(id) {
  return catalog.find((product) => product.id === id);
}
