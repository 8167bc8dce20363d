import { secretFormats } from "./secret-formats.ts";

export type FoundSecret = { name: string; line: number };
export type KnownSecret = { name: string; value: string };
export type Redactor = {
  /** The text without any known secret, in any of its spellings, and without anything of a secret's form. */
  text(text: string): string;
  /** The same for a stream: what could still become a secret is held back until it is decided. */
  stream(): { push(text: string): string; end(): string };
  /** Where secrets stand, for refusing; never what they are. Lines count from 1. */
  find(bytes: Uint8Array): FoundSecret[];
};

type Spelling = { name: string; value: string };
type Mark = { from: number; to: number; name: string };

/** `secrets` shorter than 8 characters are no secrets: they would blacken the whole text. */
export function makeRedactor(secrets: readonly KnownSecret[]): Redactor {
  const spellings = secrets
    .filter((secret) => secret.value.length >= 8)
    .flatMap(({ name, value }) => spellingsOf(value).map((spelling) => ({ name, value: spelling })));
  const heads = [...spellings.map((spelling) => spelling.value), ...secretFormats.flatMap((format) => format.heads)];
  const marks = (text: string) => marksIn(text, spellings);

  return {
    text: (text) => replace(text, marks(text)),
    stream() {
      let held = "";
      return {
        push(chunk) {
          held += chunk;
          let cut = growingFrom(held, heads);
          for (const mark of marks(held)) if (mark.from < cut && mark.to > cut) cut = mark.from;
          const done = held.slice(0, cut);
          held = held.slice(cut);
          return replace(done, marks(done));
        },
        end() {
          const rest = replace(held, marks(held));
          held = "";
          return rest;
        },
      };
    },
    find(bytes) {
      // Latin-1 keeps one character a byte, so that nothing hides in invalid UTF-8.
      const content = new TextDecoder("latin1").decode(bytes);
      return marks(content).map((mark) => ({ name: mark.name, line: lineAt(content, mark.from) }));
    },
  };
}

function marksIn(text: string, spellings: readonly Spelling[]): Mark[] {
  const known = spellings.flatMap(({ name, value }) =>
    positionsOf(text, value).map((from) => ({ from, to: from + value.length, name })),
  );
  const formed = secretFormats.flatMap(({ name, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({
      from: match.index,
      to: match.index + match[0].length,
      name,
    })),
  );
  return merge([...known, ...formed]);
}

function replace(text: string, marks: readonly Mark[]): string {
  let output = "";
  let at = 0;
  for (const mark of marks) {
    output += `${text.slice(at, mark.from)}[redacted: ${mark.name}]`;
    at = mark.to;
  }
  return output + text.slice(at);
}

/** Where the tail begins that the next chunk may turn into a secret. */
function growingFrom(text: string, heads: readonly string[]): number {
  let from = text.length;
  for (const { growing } of secretFormats) from = Math.min(from, text.match(growing)?.index ?? from);
  for (const head of heads) {
    for (let length = Math.min(head.length - 1, text.length); length > text.length - from; length--) {
      if (text.endsWith(head.slice(0, length))) from = text.length - length;
    }
  }
  return from;
}

/** As itself, hex, URL-coded, in JSON, and base64 at each of the three offsets at which it can stand in a longer text. */
function spellingsOf(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  const latin = String.fromCharCode(...bytes);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const coded = hex.replace(/../g, "%$&");
  const escaped = JSON.stringify(value).slice(1, -1);
  const all = [
    value,
    latin,
    escaped,
    hex,
    hex.toUpperCase(),
    coded,
    coded.toUpperCase(),
    encodeURIComponent(value),
    ...base64Spellings(latin),
  ];
  return [...new Set(all)].filter((spelling) => spelling.length >= 8);
}

/** The first characters depend on what stands before, the last on what follows: neither belongs to the secret alone. */
function base64Spellings(latin: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const coded = btoa("\0".repeat(offset) + latin).replace(/=+$/, "");
    const inner = coded.slice(offset === 0 ? 0 : offset + 1, (latin.length + offset) % 3 === 0 ? undefined : -1);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

function positionsOf(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(at);
  return found;
}

function merge(marks: Mark[]): Mark[] {
  const merged: Mark[] = [];
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
