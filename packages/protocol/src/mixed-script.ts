/** Scripts with letters that look like Latin ones. Of the Greek letters, only those that do: `Δt` deceives nobody. */
const lookalike =
  "\\p{Script=Cyrillic}\\p{Script=Armenian}\\p{Script=Cherokee}\\p{Script=Coptic}\\p{Script=Lisu}ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεηικνορσυχωϲϳϱϒ";
const foreign = new RegExp(`(?=\\p{L})[${lookalike}]`, "u");
const eachForeign = new RegExp(foreign, "gu");
/** The letter of an escape such as `\n` or `%s` belongs to no word. */
const words = /[\\%][a-z]|[\p{L}\p{M}\p{N}_$]+/giu;

function isMixed(word: string): boolean {
  return foreign.test(word) && /\p{Script=Latin}/u.test(word);
}

/** The first word that mixes Latin letters with letters that look like them, or null. */
export function mixedWordIn(text: string): string | null {
  if (!foreign.test(text)) return null;
  for (const [word] of text.matchAll(words)) if (isMixed(word)) return word;
  return null;
}

/** Replaces the letters of other scripts in such words, and in no others. */
export function replaceMixed(text: string, replacement: (char: string) => string): string {
  if (!foreign.test(text)) return text;
  return text.replace(words, (word) => (isMixed(word) ? word.replace(eachForeign, replacement) : word));
}
