/** What a column of text takes. */
export function plainText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}
