import { hasUnseen } from "@feedback-chat/protocol/invisible";
import { verdictTexts, type VerdictCode } from "@feedback-chat/protocol/verdict-texts";
import { compareLines, type TextLine } from "./compare-lines.ts";
import { type ContentFinding, flag, type TextChange } from "./content-finding.ts";
import { isTestPath, judgeTests } from "./judge-tests.ts";

/** What an added line of any file can be flagged for. */
const lineRules: { code: VerdictCode; pattern: RegExp; onlyTests?: true }[] = [
  {
    code: "test_skipped",
    onlyTests: true,
    pattern:
      /\b(?:describe|it|test|suite|context|bench)\s*(?:\.\w+)*\.(?:skip|only|todo|fails|failing|skipIf|runIf)\b|\b(?:describe|it|test|suite|context|bench)\s*\[\s*["'`](?:skip|only|todo|fails)|\b(?:x|f)(?:it|describe|test|context|specify)\s*[(\s]\s*["'`(\w]|\{[^}]{0,100}\b(?:skip|only|todo)\s*:\s*(?!false)|@(?:unittest\.skip|pytest\.mark\.(?:skip|xfail)|Ignore|Disabled)\b|\bt\.Skip\(|\b\w+\.(?:skip|todo)\(\s*(?:["'`)]|\))/,
  },
  {
    code: "lint_disabled",
    pattern:
      /\b(?:eslint|oxlint|tslint|stylelint|standard|biome|deno-lint)[-:](?:disable|ignore)|\/\*\s*eslint\s+["'@\w/-]+\s*:|\bnoinspection\b|#\s*noqa\b|\bnolint\b|rubocop:disable|pylint:\s*disable|clippy::|#\[allow\(/,
  },
  {
    code: "types_disabled",
    pattern:
      /@ts-(?:ignore|nocheck|expect-error)|#\s*(?:type|pyright|mypy):\s*ignore|#\s*(?:pyright|mypy):\s*\w+|@phpstan-ignore|@SuppressWarnings/,
  },
  {
    code: "coverage_disabled",
    pattern: /(?:istanbul|c8|v8)\s+ignore|pragma:\s*no cover/,
  },
  {
    code: "eval_like",
    pattern:
      /\beval\s*\)?\s*\(|["'`](?:node:)?vm["'`]|\bos\.(?:popen|exec\w*|spawn\w*)\s*\(|\bnew\s+Function\s*\(|\bFunction\s*\(\s*["'`]|\bset(?:Timeout|Interval)\s*\(\s*["'`]|\bvm\.(?:run|compile|Script)|\bchild_process\b|\bexec(?:File|Sync|FileSync)\s*\(|(?<![.\w])exec\s*\(|\bspawn(?:Sync)?\s*\(|\bprocess\.(?:binding|dlopen)\b|\bos\.system\s*\(|\bsubprocess\.|\bimport\s*\(\s*(?!["'`])/,
  },
  {
    code: "raw_html",
    pattern:
      /dangerouslySetInnerHTML|\.(?:inner|outer)HTML\s*\+?=|\bdocument\.write(?:ln)?\s*\(|\binsertAdjacentHTML\s*\(|\bv-html\b|\{@html\b/,
  },
];

/** Judges what a changed text file says; binary files are judged by their name alone. */
export function judgeContent(change: TextChange, knownHosts: ReadonlySet<string>): ContentFinding[] {
  const { path, before, after } = change;
  const { added } = compareLines(before ?? "", after ?? "");
  const isTest = isTestPath(path);
  return [
    ...lineRules.flatMap((rule) => (rule.onlyTests && !isTest ? [] : firstLine(added, rule))),
    ...unseenCharacters(added),
    ...newHosts(added, knownHosts),
    ...judgeTests(change),
  ];
}

function firstLine(added: TextLine[], rule: { code: VerdictCode; pattern: RegExp }): ContentFinding[] {
  const found = added.find(({ text }) => pieces(text).some((piece) => rule.pattern.test(piece)));
  return found ? [flag(rule.code, found.line, verdictTexts[rule.code])] : [];
}

/** Words that only a machine reads, and what a reader's terminal would obey. */
function unseenCharacters(added: TextLine[]): ContentFinding[] {
  const found = added.find(({ text }) => hasUnseen(text));
  return found ? [flag("invisible_characters", found.line, verdictTexts.invisible_characters)] : [];
}

const pieceChars = 1_000;
/** Longer than anything that a rule looks for. */
const overlapChars = 200;

/** A long line in parts, since some rules look from each place to the end of what they get. */
function pieces(text: string): string[] {
  if (text.length <= pieceChars) return [text];
  const step = pieceChars - overlapChars;
  return Array.from({ length: Math.ceil(text.length / step) }, (_, index) =>
    text.slice(index * step, index * step + pieceChars),
  );
}

const userinfo = /(?:[^\s/@"'`<>]{0,200}@)?/.source;
const dotted = `(?=${userinfo}(?:[\\w-]+(?:\\.[\\w-]+)+|\\[[0-9a-f:.]+\\]))`;
const schemes = "(?:https?|wss?|ftp|git|ssh)";
/**
 * Addresses as their readers take them. Besides `https://host`: with the slashes of JSON (`https:\/\/host`), without a
 * scheme (`src="//host/x"`), and with one slash, other slashes or none (`https:\\host`, `https:host`), which a URL's
 * parser takes for two.
 */
const address = new RegExp(
  [
    `(?:\\b${schemes}:(?:\\\\?/){2}`,
    `\\b${schemes}:[\\\\/]{1,8}${dotted}`,
    `(?<=["'\`])${schemes}:${dotted}`,
    `(?<=["'\`(=]\\s?)(?=\\\\{0,6}/)[\\\\/]{2,8}(?=[\\w-]+(?:\\.[\\w-]+)+[/\\\\"'\`:?)]))${userinfo}(\\[[0-9a-f:.]+\\]|[^\\s/"'\`<>)\\]}|:?#,;\\\\]+)`,
  ].join("|"),
  "gi",
);
const nobodysHosts =
  /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|(?:.+\.)?example\.(?:com|org|net)|.+\.(?:test|example|invalid|localhost)|www\.w3\.org)$/i;

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
