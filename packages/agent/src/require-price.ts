import type { ModelPrices } from "@feedback-chat/protocol/price";
import { Problem } from "@feedback-chat/protocol/problem";
import { listPrices, type Price, priceOf, priceTable } from "./core/prices.ts";

/**
 * What a model costs: by the machine's owner, else by the project, else by our list. No file of a repository is asked.
 * @throws Problem price_unknown, with what to write: without a price there is no ceiling.
 */
export function requirePrice(wanted: { model: string; prices: ModelPrices }, ofMachine: ModelPrices): Price {
  const { model, prices } = wanted;
  const price = priceOf(model, [priceTable(ofMachine), priceTable(prices), listPrices.models]);
  if (price) return price;
  const name = model.slice(0, 200);
  const example = JSON.stringify({ [name]: { inputUsd: 3, outputUsd: 15 } });
  throw new Problem(
    "price_unknown",
    `The price list of ${listPrices.asOf} does not name the model ${JSON.stringify(name)}, so no ceiling could be kept.`,
    {
      next: `Give its price in USD per million tokens, such as ${example}: as FEEDBACK_CHAT_PRICES in the environment of the machine that runs it, or as \`prices\` in the project's settings.`,
    },
  );
}
