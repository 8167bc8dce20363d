import { dropUnseen } from "@feedback-chat/protocol/invisible";

export const maxLineBytes = 8 * 1024;
export const maxRunBytes = 5 * 1024 * 1024;

/* oxlint-disable no-control-regex */
/** Sequences that a terminal obeys. */
const escapes =
  /\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x9d[^\x07\x9c\n]*[\x07\x9c]?|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g;
/* oxlint-enable no-control-regex */
/**
 * What a CI runner obeys in the output of any program: `::set-output …::` at a line's beginning, `##[…]` and
 * `##vso[…]` anywhere. A space takes the meaning away and leaves the words.
 */
const commands = /^([ \t]*:)(?=:[^\n]*::)|(#)(?=#(?:vso)?\[)/gm;

/** Longer than any secret that a cut could leave in half. */
const longestSecret = 4_200;
const heldChars = 4 * maxLineBytes;
type Redact = (text: string) => string;

/** One line without anything but text: no ANSI, OSC, control, bidi, tags or selectors, no secret; at most 8 KiB. */
export function cleanLine(line: string, redact: Redact = (text) => text): string {
  const isCut = line.length > heldChars;
  const plain = dropUnseen(line.slice(0, heldChars).replace(escapes, "").replaceAll("\t", "  "))
    .replaceAll("\n", " ")
    .replace(commands, "$1$2 ")
    .toWellFormed();
  // Redacted before it is cut, and cut before what the raw cut may have left of a secret.
  return cutBytes(redact(isCut ? plain.slice(0, -longestSecret) : plain), maxLineBytes, isCut);
}

/** As text that a person reads in a pull request or a mail: like a line, but newlines stay. */
export function cleanText(text: string): string {
  const seen = dropUnseen(text.replace(escapes, "").replaceAll("\r\n", "\n"));
  return seen.replace(commands, "$1$2 ").toWellFormed();
}

function cutBytes(text: string, limit: number, isCutAlready: boolean): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= limit) return isCutAlready ? `${text} …[cut]` : text;
  const kept = new TextDecoder("utf-8", { fatal: false }).decode(bytes.subarray(0, limit - 12)).replace(/\ufffd$/, "");
  return `${kept} …[cut]`;
}
