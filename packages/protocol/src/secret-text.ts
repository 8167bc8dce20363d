/**
 * Why a text cannot be a key or token that goes into an HTTP header; null when it can. It names the kind of character and
 * never the secret. Blanks and line ends around it are for the caller to trim.
 * @example secretTextTrouble("sk-ant-1\u201d") // "contains a character that no key has (U+201D)"
 */
export function secretTextTrouble(text: string): string | null {
  if (text === "") return "is empty";
  if (/[\r\n]/.test(text)) return "contains a line end";
  if (/\s/.test(text)) return "contains a blank";
  if (/^["'\u0060].*["'\u0060]$/.test(text)) return "stands in quotation marks";
  const foreign = /[^!-~]/u.exec(text)?.[0];
  if (foreign === undefined) return null;
  const point = (foreign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `contains a character that no key has (U+${point})`;
}
