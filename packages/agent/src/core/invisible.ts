/** Characters without a look of their own: a place for words that only a machine reads. */
const unseen =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]+/gu;
/** The one honest use: the look of an emoji, and several joined to one. */
const ofEmoji =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|[0-9#*])(?:\ufe0f\u20e3?|\ufe0f?\u200d(?=\p{Extended_Pictographic}))/gu;
const dataUri = /data:[a-z0-9.+/-]{0,100}(?:;[a-z0-9=.+-]{1,50}){0,5},[A-Za-z0-9+/=_%-]{24,}/gi;

/** The text without them; each run counts once. Lone surrogates become U+FFFD, every kind of space one of ours. */
export function dropInvisible(text: string): { text: string; dropped: number } {
  let dropped = 0;
  const count = (replacement: string) => () => {
    dropped++;
    return replacement;
  };
  const seen = dropOverridden(text.toWellFormed().replace(/\r\n?/g, "\n"))
    .replace(/[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, " ")
    .replace(ofEmoji, "")
    .replace(unseen, count(""))
    .replace(dataUri, count("[data]"));
  return { text: seen, dropped };
}

/**
 * What stands between a direction override and its end is shown backwards: no reader sees the words that a machine
 * reads there. The marks stay, to be counted with the others. Embeddings end by the same mark, all at a line's end.
 */
function dropOverridden(text: string): string {
  if (!/[\u202d\u202e]/.test(text)) return text;
  const kept: string[] = [];
  let open: string[] = [];
  for (const part of text.split(/([\u202a-\u202e\n])/)) {
    const isShown = !open.some((mark) => mark >= "\u202d");
    if (part === "\n") open = [];
    else if (part === "\u202c") open.pop();
    // Unicode looks no deeper than that either, and the text is the author's to nest.
    else if (/^[\u202a-\u202e]$/.test(part) && open.length < 125) open.push(part);
    if (isShown || part === "\n") kept.push(part);
  }
  return kept.join("");
}
