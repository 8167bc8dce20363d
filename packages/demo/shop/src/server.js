import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { addToCart, cartCount, cartTotal } from "./cart.js";
import { catalog, findProduct } from "./catalog.js";
import { formatPrice } from "./format-price.js";

export function createShop() {
  let cart = [];
  return createServer(async (request, response) => {
    if (request.method === "GET" && request.url === "/") return html(response, page(cart));
    if (request.method === "POST" && request.url === "/cart") {
      const form = new URLSearchParams(await read(request));
      if (!findProduct(form.get("product"))) return html(response, "<p>There is no such product.</p>", 404);
      cart = addToCart(cart, form.get("product"), Number(form.get("quantity") ?? 1));
      response.writeHead(303, { location: "/" }).end();
      return;
    }
    html(response, "<p>Not found.</p>", 404);
  });
}

function page(cart) {
  const products = catalog.map(
    ({ id, name, priceCents }) => `<li>${name}, ${formatPrice(priceCents)}
      <form method="post" action="/cart"><input type="hidden" name="product" value="${id}">
      <input name="quantity" type="number" min="1" value="1"><button>Add</button></form></li>`,
  );
  return `<h1>Shop</h1><ul>${products.join("")}</ul>
    <p>${cartCount(cart)} in your cart. Total: <strong>${formatPrice(cartTotal(cart))}</strong></p>`;
}

function html(response, body, status = 200) {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(`<!doctype html>${body}`);
}

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const port = Number(process.env.PORT ?? 3000);
  createShop().listen(port, () => console.log(`http://localhost:${port}`));
}
