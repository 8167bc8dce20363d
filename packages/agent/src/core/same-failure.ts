export type Failure = { outcome: string; said: string };

/**
 * Whether a check that is red on the change was red on the base for the same reason: the base complained about
 * everything that the change's output complains about. What differs between two runs of one program is left out:
 * colors, times, durations, temporary paths, places in a file, and what passed. When in doubt the answer is no: a fix
 * round costs money, an overlooked failure costs more.
 */
export function failsAlike(base: Failure, head: Failure): boolean {
  if (base.outcome !== head.outcome) return false;
  // Two time-outs say nothing of their reasons, nor does a limit.
  if (head.outcome !== "failed") return false;
  const known = new Map<string, Known>();
  for (const { line, counts } of complaintsOf(base.said)) {
    const before = known.get(line);
    known.set(line, { times: (before?.times ?? 0) + 1, counts: largest(before?.counts, counts) });
  }
  const seen = complaintsOf(head.said);
  // A program that fails without a word of failure, such as after its banner, gives nothing to compare.
  if (!seen.some(({ line }) => tellsOfFailing.test(line))) return false;
  const times = new Map<string, number>();
  return seen.every(({ line, counts }) => {
    const time = (times.get(line) ?? 0) + 1;
    times.set(line, time);
    const before = known.get(line);
    // The same words of failure once more, at another place, are another failure.
    const isMore = before !== undefined && time > before.times && tellsOfFailing.test(line);
    return before !== undefined && !isMore && isWithin(counts, before.counts);
  });
}

type Known = { times: number; counts: number[] };

const tellsOfFailing =
  /\b(?:fail\w*|err\w*|exception|not ok|not found|expected|unexpected|assert\w*|cannot|can't|missing|undefined|invalid|denied|refused|panic)\b|<count>|[×✕✖✗]/i;

/** A line that may say why a check failed, with the numbers of failures that it counts. */
type Complaint = { line: string; counts: number[] };

function complaintsOf(said: string): Complaint[] {
  return said
    .split(/\r\n|\n|\r/)
    .map(normalised)
    .filter((line) => line !== "" && !tellsOfPassing.some((pattern) => pattern.test(line)))
    .map(withoutCounts);
}

/* oxlint-disable-next-line no-control-regex */
const colors = /\u001b\[[0-9;]*[A-Za-z]/g;

/** What an assertion compares may look like a duration. */
const compares = /\b(?:expected|received|actual|assert\w*|to be|to equal)\b|^\s*[-+]/i;
const duration = /(?:\b|(?<=\())\d+(?:[.,]\d+)? ?(?:ns|µs|us|ms|msec|secs?|seconds?|mins?|minutes?|s|m|h)\b/g;

/** In this order: a time of day is no place in a file. */
const varying: [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?/g, "<time>"],
  [/\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M)?/gi, "<time>"],
  [/\bduration_ms:? \d+(?:\.\d+)?/g, "<duration>"],
  [/(?:\/private)?\/(?:tmp|var\/folders|dev\/shm)\/[^\s:'")\]]+/g, "<temporary>"],
  [/\bpid[ :=]+\d+/gi, "<process>"],
  [/(\.(?:[cm]?[jt]sx?|vue|svelte|json|css))(?::\d+(?::\d+)?|\(\d+,\d+\))/g, "$1<place>"],
  // A code frame: what stands around the place.
  [/^\s*>?\s*\d*\s*[|│].*/, ""],
  [/^\s*\d+:\d+(?=\s+(?:error|warning)\b)/i, "<place>"],
  // Indices of the failures.
  [/^\s*(?:not ok )?\d+(?: -|\)) /, "<index> "],
  [/\[\d+\/\d+\]/g, ""],
  [/\b\d+ (?:passed|pass|passing|skipped|todo|pending|total)\b,?/g, ""],
  [/\b\d+ tests? \|/g, "|"],
];
/** Sums beside a name; where values are compared such a number is one of them. */
const sums = /\(\d+\)/g;

function normalised(line: string): string {
  const plain = line.replace(colors, "");
  const timeless = compares.test(plain) ? plain : plain.replace(duration, "<duration>");
  const unsummed = compares.test(plain) ? timeless : timeless.replace(sums, "");
  const spelt = varying.reduce((text, [pattern, word]) => text.replace(pattern, word), unsummed);
  return spelt.replace(/[ \t|,]+/g, " ").trim();
}

const failures = /\b\d+(?= (?:failed|failing|failures?|errors?|problems?|warnings?)\b)|(?<=^[#ℹi] fail )\d+/g;

function withoutCounts(line: string): Complaint {
  const counts = [...line.matchAll(failures)].map(([count]) => Number(count));
  return { line: line.replace(failures, "<count>"), counts };
}

function largest(known: number[] | undefined, counts: number[]): number[] {
  return known ? known.map((count, index) => Math.max(count, counts[index] ?? 0)) : counts;
}

function isWithin(counts: number[], known: number[]): boolean {
  return counts.every((count, index) => count <= (known[index] ?? 0));
}

/** A change that adds a test adds such a line. */
const tellsOfPassing: RegExp[] = [
  /^[✓✔√]/,
  /^ok \d+\b/,
  /^PASS\b/,
  /^[#ℹi] (?:tests|pass|suites|skipped|todo|cancelled|<duration>)/,
  /^(?:Start at|Duration|Time:|Ran all|Tests: *$|Snapshots:)/,
  /^[\s^~─━⎯-]+$/,
];
