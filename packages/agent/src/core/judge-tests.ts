import { compareLines } from "./compare-lines.ts";
import { type ContentFinding, flag, type TextChange } from "./content-finding.ts";
import { matchPaths } from "./match-paths.ts";
import { buildConfigs } from "./protected-paths.ts";

const testPath =
  /(^|\/)(tests?|__tests__|specs?|e2e|cypress)\/|[._-](test|spec|cy)\.[^/]+$|_test\.[^/]+$|(^|\/)test_[^/]+\.py$|(^|\/)(test|spec)\.[^/.]+$/i;
const snapshotPath = /\.snap$|(^|\/)__snapshots__\//i;

export function isTestPath(path: string): boolean {
  return testPath.test(path);
}

/** What makes a project's own checks say less than before. */
export function judgeTests(change: TextChange): ContentFinding[] {
  return [
    ...(isTestPath(change.path) ? weakenedTests(change) : []),
    ...(snapshotPath.test(change.path) ? rewrittenSnapshot(change) : []),
    ...lowerThresholds(change),
  ];
}

function weakenedTests({ before, after }: TextChange): ContentFinding[] {
  if (before === null) return [];
  if (after === null) return [flag("test_deleted", null, "a test file is deleted")];
  const [asserted, asserts] = [countOf(before, asserting), countOf(after, asserting)];
  const [had, has] = [countOf(before, testCase), countOf(after, testCase)];
  return [
    ...(asserts < asserted ? [flag("fewer_asserts", null, `${asserted} assertions before, ${asserts} now`)] : []),
    ...rewrittenInline(before, after),
    ...(has < had ? [flag("test_deleted", null, `${had} tests before, ${has} now`)] : []),
  ];
}

const inlineSnapshots = /\bto(?:Match|Throw\w*Matching)InlineSnapshot\s*\(\s*(`(?:[^`\\]|\\.)*`|"[^"\n]*"|'[^'\n]*')/g;

/** Expectations that a tool writes anew: what was expected before is expected nowhere in the file now. */
function rewrittenInline(before: string, after: string): ContentFinding[] {
  const now = new Set([...after.matchAll(inlineSnapshots)].map(([, snapshot]) => snapshot));
  const isGone = [...before.matchAll(inlineSnapshots)].some(([, snapshot]) => !now.has(snapshot));
  return isGone ? [flag("snapshot_rewritten", null, "an inline snapshot is rewritten or gone")] : [];
}

const asserting = /\b(?:expect|assert\w*|should|t\.(?:is|true|false|deepEqual|throws|equal|same))\s*(?:\.\w+)*\s*\(/g;
const testCase = /\b(?:it|test)\s*(?:\.\w+)*\s*\(|^\s*def test_/gm;

function rewrittenSnapshot({ before, after }: TextChange): ContentFinding[] {
  if (before === null) return [];
  if (after === null) return [flag("snapshot_rewritten", null, "a snapshot is deleted")];
  return [flag("snapshot_rewritten", compareLines(before, after).added[0]?.line ?? null, "a snapshot is rewritten")];
}

const threshold =
  /["']?\b(branches|functions|lines|statements|threshold|thresholds|minimum|min_coverage|fail_under|coverageThreshold)["']?\s*[:=]\s*(\d+(?:\.\d+)?)/gi;
/** Elsewhere `lines: 80` is often nobody's threshold, so that only a lower one tells. */
const isConfiguration = matchPaths([...buildConfigs, "*.json", "*.toml", "*.y*ml", "*.cfg", "*.ini", ".coveragerc"]);

function lowerThresholds({ path, before, after }: TextChange): ContentFinding[] {
  if (before === null || after === null) return [];
  const now = thresholdsIn(after);
  return [...thresholdsIn(before)].flatMap(([name, { value }]) => {
    const found = now.get(name);
    if (found && found.value < value)
      return [flag("threshold_lowered", found.line, `${name}: ${value} before, ${found.value} now`)];
    if (!found && isConfiguration(path))
      return [flag("threshold_lowered", null, `${name}: ${value} before, none any more`)];
    return [];
  });
}

/** The highest of each name, with its line. */
function thresholdsIn(text: string): Map<string, { value: number; line: number }> {
  const found = new Map<string, { value: number; line: number }>();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries())
    for (const [, name = "", digits = ""] of line.matchAll(threshold)) {
      const value = Number(digits);
      const known = found.get(name.toLowerCase());
      if (!known || known.value < value) found.set(name.toLowerCase(), { value, line: index + 1 });
    }
  return found;
}

function countOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}
