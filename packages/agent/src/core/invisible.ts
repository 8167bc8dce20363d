import { countUnseen } from "@feedback-chat/protocol/invisible";

const dataUri = /data:[a-z0-9.+/-]{0,100}(?:;[a-z0-9=.+-]{1,50}){0,5},[A-Za-z0-9+/=_%-]{24,}/gi;

/**
 * Returns the text without invisible characters and counts the removed runs. Joiners that a language spells with and
 * those of emoji stay. Lone surrogates become U+FFFD, every kind of space becomes a plain one.
 */
export function dropInvisible(text: string): { text: string; dropped: number } {
  const shown = dropOverridden(text.toWellFormed().replace(/\r\n?/g, "\n")).replace(
    /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g,
    " ",
  );
  const { text: seen, runs } = countUnseen(shown);
  let addresses = 0;
  const plain = seen.replace(dataUri, () => ((addresses += 1), "[data]"));
  return { text: plain, dropped: runs + addresses };
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
