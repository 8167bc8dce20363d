import { type Mark, makeFinder } from "./spelled-secrets.ts";
import { secretFormats } from "./secret-formats.ts";

/** From its first line to its last. */
export type FoundSecret = { name: string; line: number; lastLine: number };
export type KnownSecret = { name: string; value: string };
export type Redactor = {
  /** The text without any known secret, in any of its spellings, and without anything of a secret's form. */
  text(text: string): string;
  /** Where secrets stand, for refusing; never what they are. Lines count from 1. */
  find(bytes: Uint8Array): FoundSecret[];
};

type NamedMark = Mark & { name: string };

/** `secrets` shorter than 8 characters are no secrets: they would blacken the whole text. */
export function makeRedactor(secrets: readonly KnownSecret[]): Redactor {
  const known = secrets
    .filter(({ value }) => value.length >= 8)
    .map(({ name, value }) => ({ name, find: makeFinder(value) }));
  const marks = (text: string) =>
    merge([
      ...known.flatMap(({ name, find }) => find(text).map((mark) => ({ ...mark, name }))),
      ...secretFormats.flatMap(({ name, pattern }) =>
        [...text.matchAll(pattern)].map((match) => ({ from: match.index, to: match.index + match[0].length, name })),
      ),
    ]);
  return {
    text: (text) => replace(text, marks(text)),
    find(bytes) {
      // Latin-1 keeps one character a byte, so that nothing hides in invalid UTF-8.
      const content = new TextDecoder("latin1").decode(bytes);
      return marks(content).map(({ name, from, to }) => ({
        name,
        line: lineAt(content, from),
        lastLine: lineAt(content, to - 1),
      }));
    },
  };
}

function replace(text: string, marks: readonly NamedMark[]): string {
  let output = "";
  let at = 0;
  for (const mark of marks) {
    output += `${text.slice(at, mark.from)}[redacted: ${mark.name}]`;
    at = mark.to;
  }
  return output + text.slice(at);
}

function merge(marks: NamedMark[]): NamedMark[] {
  const merged: NamedMark[] = [];
  for (const mark of marks.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    const last = merged.at(-1);
    if (last && mark.from < last.to) last.to = Math.max(last.to, mark.to);
    else merged.push({ ...mark });
  }
  return merged;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
