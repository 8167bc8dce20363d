import type { ScenarioStep } from "../scenario.ts";

/** Sums over all answers that were sent whole. The far end's view: what the product counts has to match it. */
export type Counted = {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costMicroUsd: number;
};

export function nothingCounted(): Counted {
  return {
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    costMicroUsd: 0,
  };
}

/** Micro-USD per token. */
export type TokenPrice = { input: number; output: number; cacheRead: number; cacheWrite: number };

export const sonnet = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

export function count(counted: Counted, { usage }: ScenarioStep, price: TokenPrice): void {
  counted.requests += 1;
  counted.inputTokens += usage.input;
  counted.outputTokens += usage.output;
  counted.cacheReadTokens += usage.cacheRead;
  counted.cacheWriteTokens += usage.cacheWrite;
  const cost =
    usage.input * price.input +
    usage.output * price.output +
    usage.cacheRead * price.cacheRead +
    usage.cacheWrite * price.cacheWrite;
  counted.costMicroUsd += Math.ceil(cost);
}
