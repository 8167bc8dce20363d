import { dropHiddenFormulas } from "./hidden-formulas.ts";
import { htmlToText } from "./html-to-text.ts";
import { dropInvisible } from "./invisible.ts";
import { markdownToHtml } from "./markdown-to-html.ts";

export type VisibleText = { text: string; hiddenRemoved: number; wasCut: boolean };

/** Twice what may come out. What is longer is cut before it is parsed: a parser takes longer than in proportion. */
const maxRawChars = 40_000;
/** A parser looks from each of these for its other half: beyond so many it takes longer than anybody waits. */
const marks = /[*_~`[\]<]/g;
const maxMarks = 5_000;
/**
 * What begins a block at a line's start, marker by marker, or underlines a heading. For each the parser moves all that
 * it found so far: beyond so many the time grows with their square.
 */
const blockMarks =
  /^(?:[ \t]*(?:>|[-+*](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)))+|^[ \t]*(?:#{1,6}(?=[ \t]|$)|=+[ \t]*$|-+[ \t]*$)/gm;
const maxBlockMarks = 1_500;
const maxPasses = 12;
const cutNotice = "\n\n[cut here: the text was too long]";

/**
 * The text that a reader of the rendered Markdown sees. What one pass prints may read as markup again
 * (`&lt;!--`, `\[`), so passes repeat until nothing changes: what comes out is what goes in the next time.
 */
export function visibleText(raw: string, maxChars: number): VisibleText {
  const isLong = raw.length > maxRawChars;
  const first = isLong ? raw.slice(0, maxRawChars) + cutNotice : raw;
  const result = settle({ text: first, hiddenRemoved: 0, wasCut: isLong }, maxChars);
  if (result.isStable) return result;
  // An author who nests deeper than this is not writing to a reader: the marks go, the words stay.
  return settle({ ...result, text: result.text.replace(/[<>&`*_~[\]\\#|!]/g, "") }, maxChars);
}

function settle(start: VisibleText, maxChars: number): VisibleText & { isStable: boolean } {
  let now = start;
  for (let pass = 0; pass < maxPasses; pass++) {
    const next = onePass(now, maxChars);
    if (next.text === now.text) return { ...now, isStable: true };
    now = next;
  }
  return { ...now, isStable: false };
}

function onePass({ text, hiddenRemoved, wasCut }: VisibleText, maxChars: number): VisibleText {
  const seen = dropInvisible(text);
  const bounded = cutAtMarks(flatten(seen.text));
  const drawn = dropHiddenFormulas(bounded.text);
  const { html, hidden } = markdownToHtml(drawn.text);
  const shown = htmlToText(html);
  const isLong = shown.text.length > maxChars;
  return {
    text: isLong
      ? shown.text
          .slice(0, maxChars - cutNotice.length)
          .toWellFormed()
          .replaceAll("\ufffd", "")
          .trimEnd() + cutNotice
      : shown.text,
    hiddenRemoved: hiddenRemoved + seen.dropped + drawn.hidden + hidden + shown.hidden,
    wasCut: wasCut || isLong || bounded.wasCut,
  };
}

const container = "(?:[ \\t]*(?:>|[-+*](?=[ \\t])|\\d{1,9}[.)](?=[ \\t])))";
const deepContainers = new RegExp(`^(${container}{12})${container}+`, "gm");

/** Keeps the parser's time in bounds: depth of quotes and lists, runs of one mark, entities of entities. */
function flatten(text: string): string {
  return text
    .replace(/&(?:amp;|#0*38;|#x0*26;)+/gi, "&")
    .replace(deepContainers, "$1")
    .replace(/^[ \t]{60,}/gm, (space) => space.slice(0, 60))
    .replace(/([[\]!*_~`<(])\1{39,}/g, (run) => run.slice(0, 40));
}

function cutAtMarks(text: string): { text: string; wasCut: boolean } {
  const end = Math.min(endOf(text.matchAll(marks), maxMarks), endOf(blocksIn(text), maxBlockMarks));
  return end === Infinity ? { text, wasCut: false } : { text: text.slice(0, end) + cutNotice, wasCut: true };
}

/** A little room is left for the marks of the notice, so that the next pass finds nothing to cut. */
function endOf(found: Iterable<{ index: number }>, most: number): number {
  let count = 0;
  let last = Infinity;
  for (const { index } of found) {
    if (++count === most - 10) last = index;
    if (count > most) return last;
  }
  return Infinity;
}

function* blocksIn(text: string): Iterable<{ index: number }> {
  for (const { 0: line, index } of text.matchAll(blockMarks))
    for (const _ of line.trim().split(/[ \t]+|(?<=>)(?=[^ \t])/)) yield { index };
}
