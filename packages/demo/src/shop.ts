import { fileURLToPath } from "node:url";

/**
 * The demo shop: plain Node, no dependencies, `npm test` is `node --test`. Its cart forgets the quantity, and one
 * committed test is red because of it. For `createRepository({ fromFolder: shopFolder })`.
 */
export const shopFolder = fileURLToPath(new URL("../shop", import.meta.url));

/** The name of the shop's red test, and the file with the bug. */
export const shopBug = {
  file: "src/cart.js",
  test: "several of one thing cost several times its price",
} as const;

/** What an anonymous visitor wrote into the widget; the widget's account files it. */
export const shopFeedback = {
  title: "The total in my cart is wrong when I take more than one",
  body: [
    "I put 3 enamel mugs into my cart and the total says 14.50 EUR.",
    "It should be 43.50 EUR, one mug alone is already 14.50.",
    "",
    "Steps: open the shop, set the quantity of the mug to 3, click Add, look at the total.",
    "",
    "---",
    "Sent by an anonymous visitor through the feedback widget.",
  ].join("\n"),
  labels: ["feedback-bot", "auto-implement"],
};
