/** Without a look of their own, or with power over how others look: a terminal obeys them, a page hides them. */
const unseen =
  /(?![\n\t])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufff9-\ufffb\u{f0000}-\u{10fffd}]/gu;
/** The one honest use: the look of an emoji, and several joined to one. */
const ofEmoji =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|[0-9#*])(?:\ufe0f\u20e3?|\ufe0f?\u200d(?=\p{Extended_Pictographic}))/gu;

/**
 * A text of others exactly as it is, for a person who decides about it: what could not be seen, would turn the text
 * round or would be obeyed is written as `<U+202E>`. Nothing is taken away, so that nothing can hide.
 */
export function spellOut(text: string): string {
  return spelled(text.replaceAll("\r\n", "\n"));
}

/** Whether a text holds anything that `spellOut` would write out. */
export function hasUnseen(text: string): boolean {
  return text.replace(ofEmoji, "").search(unseen) !== -1;
}

function spelled(text: string): string {
  const parts = text.split(ofEmoji);
  const joints = [...text.matchAll(ofEmoji), [""]].map(([joint = ""]) => joint);
  return parts.map((part, index) => part.replace(unseen, nameOf) + joints[index]).join("");
}

function nameOf(char: string): string {
  return `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
}
