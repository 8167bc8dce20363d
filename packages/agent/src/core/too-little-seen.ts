import { hasAnyUnseen } from "@feedback-chat/protocol/invisible";

type Words = { title: string; body: string };

/** A body of fewer letters than this is short, and hides nothing worth a wall. */
const longBodyLetters = 40;
/** Fewer visible letters than this are a word at most. "See title" has eight. */
const oneWordLetters = 8;
/** A title of so many letters says what is wished: the comments below it are then an untouched template. */
const fullTitleLetters = 20;

/**
 * Why a run would work on almost nothing, or null. An agent that gets "The" of a long issue invents a task, and a
 * person who reads the issue on GitHub would not understand the change. A picture counts as something seen, and so does
 * an issue whose author wrote a title only.
 */
export function tooLittleSeen(raw: Words, seen: Words): string | null {
  const title = letters(seen.title);
  const body = letters(seen.body);
  if (title + body === 0) return "Nothing is left of the issue that a person could see.";
  const hasPicture = /\[(?:image|diagram)\]/.test(seen.body);
  const written = signs(title >= fullTitleLetters ? withoutComments(raw.body) : raw.body);
  if (written < longBodyLetters || body >= oneWordLetters || hasPicture) return null;
  return `Almost nothing of the issue's body is visible on GitHub: ${body} of ${written} letters.`;
}

/** Comments without an end stay. No pattern: it would look for an end from every beginning. */
function withoutComments(text: string): string {
  const pieces = text.split("-->");
  const last = pieces.pop() ?? "";
  const kept = pieces.map((piece) => {
    const start = piece.indexOf("<!--");
    return start === -1 ? piece : piece.slice(0, start);
  });
  return [...kept, last].join(" ");
}

/** Letters and digits. A sign of Chinese, Japanese or Korean says as much as three letters. */
function letters(text: string): number {
  const words = text.replace(/\[(?:image|diagram|data)\]/g, "");
  const dense = words.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu) ?? [];
  return (words.match(/[\p{L}\p{N}]/gu) ?? []).length + 2 * dense.length;
}

/** Letters as written, those that nobody sees included. */
function signs(text: string): number {
  let count = 0;
  for (const char of text) if (/[\p{L}\p{N}]/u.test(char) || hasAnyUnseen(char)) count++;
  return count;
}
