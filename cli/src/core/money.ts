/** Micro-USD as dollars: `0.0123` up to one cent in four digits, else two. */
export function dollars(microUsd: number): string {
  const usd = microUsd / 1_000_000;
  return `$${usd.toFixed(usd > 0 && usd < 1 ? 4 : 2)}`;
}

/** Dollars of a flag as micro-USD; undefined when it is no amount. */
export function parseDollars(text: string): number | undefined {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) return undefined;
  return Math.round(Number(text) * 1_000_000);
}
