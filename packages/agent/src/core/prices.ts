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

/** Public list prices; source: the model catalog shipped in Claude Code 2.1.329. */
export const pricesAsOf = "2026-11-21";

const opus4 = price(15, 75, 1.5);
const opus45 = price(5, 25, 0.5);
const sonnet4 = price(3, 15, 0.3);

/** Exact names only: a model that is not here has no known price, and is refused. */
export const prices: Readonly<Record<string, Price>> = {
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
};

/** As the API counts: `input` is what was neither read from nor written to the cache. */
export type Usage = {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
};

/** Null for a model without a known price. Rounded up: a fraction is charged as a whole. */
export function costMicroUsd(model: string, usage: Usage): number | null {
  const known = priceOf(model);
  if (!known) return null;
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const rate = known.long && prompt > known.long.abovePromptTokens ? known.long.price : known;
  const sum =
    usage.input * rate.input +
    usage.output * rate.output +
    usage.cacheRead * rate.cacheRead +
    usage.cacheWrite5m * rate.cacheWrite5m +
    usage.cacheWrite1h * rate.cacheWrite1h;
  return Math.ceil(sum / 1_000_000);
}

export type Bound = { promptTokens: number; maxTokens: number };

/** The most that a request can cost: every prompt token at the dearest input class, every output token used. */
export function worstCaseMicroUsd(model: string, bound: Bound): number | null {
  const dearest = dearestOf(model);
  if (!dearest) return null;
  return Math.ceil((bound.promptTokens * dearest.input + bound.maxTokens * dearest.output) / 1_000_000);
}

/** How many output tokens `leftMicroUsd` pays for after the prompt's worst case; 0 when not even that fits. */
export function affordableTokens(model: string, promptTokens: number, leftMicroUsd: number): number {
  const dearest = dearestOf(model);
  if (!dearest) return 0;
  const left = leftMicroUsd * 1_000_000 - promptTokens * dearest.input;
  return left <= 0 ? 0 : Math.floor(left / dearest.output);
}

function dearestOf(model: string): { input: number; output: number } | null {
  const known = priceOf(model);
  if (!known) return null;
  const rates = known.long ? [known, known.long.price] : [known];
  return {
    input: Math.max(...rates.flatMap((rate) => [rate.input, rate.cacheWrite5m, rate.cacheWrite1h, rate.cacheRead])),
    output: Math.max(...rates.map((rate) => rate.output)),
  };
}

function priceOf(model: string): Price | null {
  return Object.hasOwn(prices, model) ? (prices[model] ?? null) : null;
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
