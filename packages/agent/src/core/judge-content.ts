import { compareLines, type TextLine } from "./compare-lines.ts";

export type ContentFinding = {
  level: "hold" | "flag";
  code: string;
  line: number | null;
  detail: string;
};
export type TextChange = { path: string; before: string | null; after: string | null };

const testPath =
  /(^|\/)(tests?|__tests__|specs?|e2e|cypress)\/|[._-](test|spec|cy)\.[^/]+$|_test\.[^/]+$|(^|\/)test_[^/]+\.py$|(^|\/)(test|spec)\.[^/.]+$/i;
const snapshotPath = /\.snap$|(^|\/)__snapshots__\//i;

/** What an added line of any file can be flagged for. */
const lineRules: { code: string; detail: string; pattern: RegExp; onlyTests?: true }[] = [
  {
    code: "test_skipped",
    detail: "a test is skipped, left to do, or runs alone",
    onlyTests: true,
    pattern:
      /\b(?:describe|it|test|suite|context|bench)\s*(?:\.\w+)*\.(?:skip|only|todo|fails|failing|skipIf|runIf)\b|\b(?:x|f)(?:it|describe|test|context)\s*\(|\{[^}]*\b(?:skip|only|todo)\s*:\s*(?!false)|@(?:unittest\.skip|pytest\.mark\.(?:skip|xfail)|Ignore|Disabled)\b|\bt\.Skip\(|\b\w+\.(?:skip|todo)\(\s*(?:["'`)]|\))/,
  },
  {
    code: "lint_disabled",
    detail: "a lint rule is switched off",
    pattern:
      /\b(?:eslint|oxlint|tslint|stylelint|standard|biome)-(?:disable|ignore)|#\s*noqa\b|\bnolint\b|rubocop:disable|pylint:\s*disable|clippy::|#\[allow\(/,
  },
  {
    code: "types_disabled",
    detail: "a type check is switched off",
    pattern: /@ts-(?:ignore|nocheck|expect-error)|#\s*type:\s*ignore|@phpstan-ignore|@SuppressWarnings/,
  },
  {
    code: "coverage_disabled",
    detail: "code is taken out of the coverage",
    pattern: /(?:istanbul|c8|v8)\s+ignore|pragma:\s*no cover/,
  },
  {
    code: "eval_like",
    detail: "text is run as code, or a program is started",
    pattern:
      /\beval\s*\(|\bnew\s+Function\s*\(|\bFunction\s*\(\s*["'`]|\bset(?:Timeout|Interval)\s*\(\s*["'`]|\bvm\.(?:run|compile|Script)|\bchild_process\b|\bexec(?:File|Sync|FileSync)\s*\(|(?<![.\w])exec\s*\(|\bspawn(?:Sync)?\s*\(|\bprocess\.(?:binding|dlopen)\b|\bos\.system\s*\(|\bsubprocess\.|\bimport\s*\(\s*(?!["'`])/,
  },
  {
    code: "raw_html",
    detail: "text is put into a page as HTML",
    pattern:
      /dangerouslySetInnerHTML|\.(?:inner|outer)HTML\s*\+?=|\bdocument\.write(?:ln)?\s*\(|\binsertAdjacentHTML\s*\(|\bv-html\b|\{@html\b/,
  },
  {
    code: "invisible_characters",
    detail: "invisible or direction-changing characters",
    pattern: /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\u{e0000}-\u{e007f}]/u,
  },
];

/** Judges what a changed text file says; binary files are judged by their name alone. */
export function judgeContent(change: TextChange, knownHosts: ReadonlySet<string>): ContentFinding[] {
  const { path, before, after } = change;
  const { added } = compareLines(before ?? "", after ?? "");
  const isTest = testPath.test(path);
  return [
    ...lineRules.flatMap((rule) => (rule.onlyTests && !isTest ? [] : firstLine(added, rule))),
    ...newHosts(added, knownHosts),
    ...(isTest ? weakenedTests(change) : []),
    ...(snapshotPath.test(path) && before !== null
      ? [flag("snapshot_rewritten", null, after === null ? "a snapshot is deleted" : "a snapshot is rewritten")]
      : []),
    ...lowerThresholds(before, after),
  ];
}

function firstLine(added: TextLine[], rule: { code: string; detail: string; pattern: RegExp }): ContentFinding[] {
  const found = added.find(({ text }) => rule.pattern.test(text.slice(0, 2_000)));
  return found ? [flag(rule.code, found.line, rule.detail)] : [];
}

function weakenedTests({ before, after }: TextChange): ContentFinding[] {
  if (before === null) return [];
  if (after === null) return [flag("test_deleted", null, "a test file is deleted")];
  const [asserted, asserts] = [countOf(before, asserting), countOf(after, asserting)];
  const [had, has] = [countOf(before, testCase), countOf(after, testCase)];
  return [
    ...(asserts < asserted ? [flag("fewer_asserts", null, `${asserted} assertions before, ${asserts} now`)] : []),
    ...(has < had ? [flag("test_deleted", null, `${had} tests before, ${has} now`)] : []),
  ];
}

const asserting = /\b(?:expect|assert\w*|should|t\.(?:is|true|false|deepEqual|throws|equal|same))\s*(?:\.\w+)*\s*\(/g;
const testCase = /\b(?:it|test)\s*(?:\.\w+)*\s*\(|^\s*def test_/gm;
const threshold =
  /["']?\b(branches|functions|lines|statements|threshold|thresholds|minimum|min_coverage|fail_under|coverageThreshold)["']?\s*[:=]\s*(\d+(?:\.\d+)?)/gi;

function lowerThresholds(before: string | null, after: string | null): ContentFinding[] {
  if (before === null || after === null) return [];
  const now = thresholdsIn(after);
  return [...thresholdsIn(before)].flatMap(([name, value]) => {
    const lower = now.get(name);
    return lower !== undefined && lower < value
      ? [flag("threshold_lowered", null, `${name}: ${value} before, ${lower} now`)]
      : [];
  });
}

function thresholdsIn(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name = "", value = ""] of text.matchAll(threshold))
    found.set(name.toLowerCase(), Math.max(found.get(name.toLowerCase()) ?? 0, Number(value)));
  return found;
}

const address = /\b(?:https?|wss?|ftp|git|ssh):\/\/(?:[^\s/@"'`<>]*@)?([^\s/"'`<>)\]}|:?#,;\\]+)/gi;
const nobodysHosts =
  /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1|(?:.+\.)?example\.(?:com|org|net)|.+\.(?:test|example|invalid|localhost)|www\.w3\.org)$/i;

/** Hosts of all addresses in a text, without those that are nobody's. */
export function hostsIn(text: string): Set<string> {
  const hosts = [...text.matchAll(address)].map(([, host = ""]) => host.toLowerCase());
  return new Set(hosts.filter((host) => host !== "" && !nobodysHosts.test(host)));
}

function newHosts(added: TextLine[], known: ReadonlySet<string>): ContentFinding[] {
  const seen = new Set(known);
  return added.flatMap(({ line, text }) =>
    [...hostsIn(text)].flatMap((host): ContentFinding[] => {
      if (seen.has(host)) return [];
      seen.add(host);
      return [
        {
          level: "hold",
          code: "new_host",
          line,
          detail: `an address at the new host ${host.slice(0, 100)}`,
        },
      ];
    }),
  );
}

function countOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

function flag(code: string, line: number | null, detail: string): ContentFinding {
  return { level: "flag", code, line, detail };
}
