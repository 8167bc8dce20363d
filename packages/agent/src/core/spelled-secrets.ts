export type Mark = { from: number; to: number };

/**
 * So many characters of a secret in a row are no accident: what is wrapped, spread over strings or dumped in rows is
 * found by its pieces, and half a secret is one too.
 */
const runLength = { text: 16, hex: 24 };
const shortest = 8;

/**
 * Finds one secret in texts: as itself, in JSON, URL-coded, in base64 at each of the three offsets at which it can
 * stand in something longer, and in hex, whatever stands between the digits.
 */
export function makeFinder(secret: string): (text: string) => Mark[] {
  const bytes = new TextEncoder().encode(secret);
  const latin = String.fromCharCode(...bytes);
  const coded = encodeURIComponent(secret);
  const spellings = [
    secret, latin, JSON.stringify(secret).slice(1, -1), coded, coded.replace(/%../g, (code) => code.toLowerCase()), ...base64Of(latin),
  ]; // prettier-ignore
  const runs = runsOf(spellings, runLength.text);
  const hexRuns = runsOf([[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")], runLength.hex);
  return (text) => [...marksOf(text, runs), ...marksInHex(text, hexRuns)];
}

/** The first characters depend on what stands before, the last on what follows: neither belongs to the secret alone. */
function base64Of(latin: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const coded = btoa("\0".repeat(offset) + latin).replace(/=+$/, "");
    const inner = coded.slice(offset === 0 ? 0 : offset + 1, (latin.length + offset) % 3 === 0 ? undefined : -1);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** All of one length: each stretch of a spelling, or the whole of one that is shorter. */
type Runs = {
  length: number;
  wanted: Set<string>;
  /** By the first two characters: whether a run may begin with them. Most places of a text end there. */
  beginnings: Uint8Array;
};

function runsOf(spellings: readonly string[], longest: number): Runs[] {
  const byLength = new Map<number, Set<string>>();
  for (const spelling of spellings.filter((one) => one.length >= shortest)) {
    const length = Math.min(longest, spelling.length);
    const wanted = byLength.get(length) ?? new Set();
    byLength.set(length, wanted);
    for (let at = 0; at + length <= spelling.length; at += 1) wanted.add(spelling.slice(at, at + length));
  }
  return [...byLength].map(([length, wanted]) => {
    const beginnings = new Uint8Array(65_536);
    for (const run of wanted) beginnings[beginningOf(run, 0)] = 1;
    return { length, wanted, beginnings };
  });
}

function beginningOf(text: string, at: number): number {
  return ((text.charCodeAt(at) & 255) << 8) | (text.charCodeAt(at + 1) & 255);
}

function marksOf(text: string, runs: readonly Runs[]): Mark[] {
  const marks: Mark[] = [];
  for (const { length, wanted, beginnings } of runs) {
    for (let from = 0; from + length <= text.length; from += 1) {
      if (!beginnings[beginningOf(text, from)] || !wanted.has(text.slice(from, from + length))) continue;
      const last = marks.at(-1);
      if (last && from >= last.from && from <= last.to) last.to = from + length;
      else marks.push({ from, to: from + length });
    }
  }
  return marks;
}

const isHexDigit = Uint8Array.from({ length: 128 }, (_, code) => (/[0-9a-f]/i.test(String.fromCharCode(code)) ? 1 : 0));

/** In the text's hex digits alone: spaces, colons, `0x`, line ends and the rest of a dump's rows stand between them. */
function marksInHex(text: string, runs: readonly Runs[]): Mark[] {
  const read = text.replace(/0x|\\[xnrt]/gi, "..");
  const places: number[] = [];
  let digits = "";
  for (let at = 0; at < read.length; at += 1) {
    if (!isHexDigit[read.charCodeAt(at)]) continue;
    places.push(at);
    digits += read[at];
  }
  return marksOf(digits.toLowerCase(), runs).map(({ from, to }) => ({
    from: places[from] ?? 0,
    to: (places[to - 1] ?? 0) + 1,
  }));
}
