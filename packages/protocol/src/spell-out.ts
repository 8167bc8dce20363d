import { replaceUnseen } from "./invisible.ts";
import { replaceMixed } from "./mixed-script.ts";

/** Columns of blanks in one place that push what follows out of a reader's view. */
const hidingColumns = 100;
const tabColumns = 8;
/** As many tabs are as wide. Matched without what follows: looking for that from each place would take quadratic time. */
const blankRuns = /[^\S\n]{13,}/gu;

/** The runs of blanks in a text that hide what follows them in the same line. */
export function hidingBlanks(text: string): { at: number; run: string }[] {
  return [...text.matchAll(blankRuns)].flatMap(({ 0: run, index: at }) => {
    const columns = run.length + (tabColumns - 1) * (run.match(/\t/g)?.length ?? 0);
    const next = text[at + run.length];
    return columns >= hidingColumns && next !== undefined && next !== "\n" ? [{ at, run }] : [];
  });
}

/**
 * A diff for a person who decides about it, with everything that a reader could not see written out: invisible and
 * turning characters and letters of another script inside a Latin word as `<U+202E>`, the carriage return of a Windows
 * line end as `␍`, and 100 blanks or more as their number. Nothing is taken away, so that nothing can hide.
 */
export function spellOut(text: string): string {
  return replaceMixed(replaceUnseen(countBlanks(text.replaceAll("\r\n", "␍\n")), nameOf), nameOf);
}

function countBlanks(text: string): string {
  const parts: string[] = [];
  let end = 0;
  for (const { at, run } of hidingBlanks(text)) {
    parts.push(text.slice(end, at), `<${run.length} blanks>`);
    end = at + run.length;
  }
  return parts.join("") + text.slice(end);
}

/** `<U+0430>` */
export function nameOf(char: string): string {
  return `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
}
