const longestCompared = 2_000;
/** Two texts that share six in ten of their groups of three letters say the same in other words. */
const alikeFrom = 0.6;

type Known = { id: string; text: string };

/** The known text that says most nearly the same, if one does. */
export function mostSimilar(text: string, known: readonly Known[]): string | null {
  const mine = trigramsOf(text);
  let best: { id: string; likeness: number } | null = null;
  for (const { id, text: other } of known) {
    const likeness = likenessOf(mine, trigramsOf(other));
    if (likeness >= alikeFrom && likeness > (best?.likeness ?? 0)) best = { id, likeness };
  }
  return best?.id ?? null;
}

/** Dice's measure: 1 for the same, 0 for nothing in common. */
function likenessOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return (2 * shared) / (a.size + b.size);
}

/** Of letters and digits alone: case, spaces and marks say nothing. */
function trigramsOf(text: string): Set<string> {
  const words =
    text
      .slice(0, longestCompared)
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const grams = new Set<string>();
  for (const word of words) {
    const letters = Array.from(` ${word} `);
    for (let i = 0; i + 2 < letters.length; i++) grams.add(letters.slice(i, i + 3).join(""));
  }
  return grams;
}
