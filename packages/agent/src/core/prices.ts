import type { ModelPrices } from "@feedback-chat/protocol/price";

/** Micro-USD per million tokens, by class. */
export type Price = {
  input: number;
  output: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  cacheRead: number;
  /** From so many prompt tokens on, all classes of the request cost this. */
  long?: { abovePromptTokens: number; price: Omit<Price, "long"> };
};

/** By the model's exact name: one that no table names has no known price, and is refused. */
export type PriceTable = Readonly<Record<string, Price>>;

const opus4 = price(15, 75, 1.5);
const opus45 = price(5, 25, 0.5);
const sonnet4 = price(3, 15, 0.3);

/** What Anthropic's own API costs, with the day on which it was looked up, and where. */
export const listPrices: { asOf: string; source: string; models: PriceTable } = {
  asOf: "2026-11-21",
  source: "public list prices, as in the model catalog shipped in Claude Code 2.1.329",
  models: {
    "claude-haiku-4-5": price(1, 5, 0.1),
    "claude-haiku-4-5-20251001": price(1, 5, 0.1),
    "claude-haiku-5-5": {
      ...price(0.1, 0.5, 0.01),
      long: { abovePromptTokens: 100_000, price: price(0.5, 2.5, 0.05) },
    },
    "claude-sonnet-4-0": sonnet4,
    "claude-sonnet-4-20250514": sonnet4,
    "claude-sonnet-4-5": sonnet4,
    "claude-sonnet-4-5-20250929": sonnet4,
    "claude-sonnet-4-6": sonnet4,
    "claude-sonnet-5": price(2, 10, 0.2),
    "claude-sonnet-5-5": price(2, 10, 0.1),
    "claude-opus-4-0": opus4,
    "claude-opus-4-20250514": opus4,
    "claude-opus-4-1": opus4,
    "claude-opus-4-1-20250805": opus4,
    "claude-opus-4-5": opus45,
    "claude-opus-4-5-20251101": opus45,
    "claude-opus-4-6": opus45,
    "claude-opus-4-7": opus45,
    "claude-opus-4-8": opus45,
    "claude-opus-5": opus45,
    "claude-opus-5-5": price(4, 20, 0.2),
    "claude-fable-5": price(10, 50, 1),
    "claude-fable-5-1": price(10, 50, 0.25),
    "claude-fable-5-2": price(8, 40, 0.2),
  },
};

/** As the API counts: `input` is what was neither read from nor written to the cache. */
export type Usage = {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
};

/** The first table that names the model decides. Null: nobody knows what it costs. */
export function priceOf(model: string, tables: readonly PriceTable[]): Price | null {
  const table = tables.find((one) => Object.hasOwn(one, model));
  return table?.[model] ?? null;
}

/** Rounded up: a fraction is charged as a whole. */
export function costMicroUsd(price: Price, usage: Usage): number {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const rate = price.long && prompt > price.long.abovePromptTokens ? price.long.price : price;
  const sum =
    usage.input * rate.input +
    usage.output * rate.output +
    usage.cacheRead * rate.cacheRead +
    usage.cacheWrite5m * rate.cacheWrite5m +
    usage.cacheWrite1h * rate.cacheWrite1h;
  return Math.ceil(sum / 1_000_000);
}

/** No model on sale writes faster. */
const topTokensPerSecond = 500;

/**
 * The usage of an answer that ended before it named its own: at least what was seen, and what the model can have written
 * in that time, since thinking may be hidden. Null when nothing is known of the prompt: then all that was reserved counts.
 */
export function usageOfCut(seen: Usage | null, cut: { elapsedMs: number; maxTokens: number }): Usage | null {
  if (seen === null || seen.input + seen.cacheRead + seen.cacheWrite5m + seen.cacheWrite1h === 0) return null;
  const inThatTime = Math.ceil((cut.elapsedMs / 1_000) * topTokensPerSecond);
  return { ...seen, output: Math.min(cut.maxTokens, Math.max(1, seen.output, inThatTime)) };
}

export type Bound = { promptTokens: number; maxTokens: number };

/** The most that a request can cost: every prompt token at the dearest input class, every output token used. */
export function worstCaseMicroUsd(price: Price, bound: Bound): number {
  const dearest = dearestOf(price);
  return Math.ceil((bound.promptTokens * dearest.input + bound.maxTokens * dearest.output) / 1_000_000);
}

/** How many output tokens `leftMicroUsd` pays for after the prompt's worst case; 0 when not even that fits. */
export function affordableTokens(price: Price, promptTokens: number, leftMicroUsd: number): number {
  const dearest = dearestOf(price);
  const left = leftMicroUsd * 1_000_000 - promptTokens * dearest.input;
  if (left <= 0) return 0;
  return dearest.output === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(left / dearest.output);
}

function dearestOf(price: Price): { input: number; output: number } {
  const rates = price.long ? [price, price.long.price] : [price];
  return {
    input: Math.max(...rates.flatMap((rate) => [rate.input, rate.cacheWrite5m, rate.cacheWrite1h, rate.cacheRead])),
    output: Math.max(...rates.map((rate) => rate.output)),
  };
}

/** Prices as a person gives them; what is left out is taken to be as dear as anybody charges. */
export function priceTable(given: ModelPrices): PriceTable {
  const micro = (usd: number) => Math.ceil(usd * 1_000_000);
  return Object.fromEntries(
    Object.entries(given).map(([model, { inputUsd, outputUsd, cacheWriteUsd, cacheReadUsd }]) => {
      const write = micro(cacheWriteUsd ?? inputUsd * 2);
      const read = micro(cacheReadUsd ?? inputUsd);
      return [model, { input: micro(inputUsd), output: micro(outputUsd), cacheWrite5m: write, cacheWrite1h: write, cacheRead: read }];
    }),
  ); // prettier-ignore
}

/** Cache writes cost 1.25 (5 minutes) and 2 (1 hour) times the input. */
function price(inputUsd: number, outputUsd: number, cacheReadUsd: number): Omit<Price, "long"> {
  const micro = (usd: number) => Math.round(usd * 1_000_000);
  return {
    input: micro(inputUsd),
    output: micro(outputUsd),
    cacheWrite5m: micro(inputUsd * 1.25),
    cacheWrite1h: micro(inputUsd * 2),
    cacheRead: micro(cacheReadUsd),
  };
}
