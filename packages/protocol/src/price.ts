import * as z from "zod";

const usd = z.number().nonnegative().max(100_000);

/** USD per million tokens, as providers list it. What is left out counts as dear as it can be. */
export const modelPrice = z.strictObject({
  inputUsd: usd,
  outputUsd: usd,
  /** Unset: twice the input. */
  cacheWriteUsd: usd.optional(),
  /** Unset: as much as the input. */
  cacheReadUsd: usd.optional(),
});

/** Prices by the model's exact name, as it stands in requests: `{"anthropic/claude-sonnet-4.5":{"inputUsd":3,"outputUsd":15}}`. */
export const modelPrices = z
  .record(z.string().min(1).max(200), modelPrice)
  .refine((prices) => Object.keys(prices).length <= 100, "names more than 100 models");
export type ModelPrices = z.infer<typeof modelPrices>;
