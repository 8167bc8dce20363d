import { type JudgedChange } from "./verdict-of.ts";
import { judgePackage } from "./judge-package.ts";
import { hostsIn, judgeContent } from "./judge-content.ts";
import { foldPath, refusalOfPath } from "./judge-path.ts";
import { type PathMatcher, matchPaths } from "./match-paths.ts";
import { buildConfigs, lockfiles, ownPaths, protectedPaths } from "./protected-paths.ts";
import { judgeUnseen } from "./judge-unseen.ts";
import { judgeRenames } from "./judge-renames.ts";
import { hasNul, isTextWithNul, textOf, utf8Of, verdict } from "./verdict-of.ts";
import type { Verdict } from "@feedback-chat/protocol/evidence";
import type { VerdictCode } from "@feedback-chat/protocol/verdict-texts";

export type JudgeFacts = {
  /** All names of the base tree, folders too, as latin1 of their bytes. */
  basePaths: readonly string[];
  /** Project settings beside our own list. */
  protectedPaths: readonly string[];
};

/**
 * What stands out in a change: `refuse` ends the run, `hold` waits for a person, `flag` is shown.
 * Pure, and about names and bytes only: nothing of the change is ever run or followed here.
 */
export function judgeChanges(changes: readonly JudgedChange[], facts: JudgeFacts): Verdict[] {
  const rules = holdRules(facts.protectedPaths);
  const knownHosts = hostsIn(changes.map(({ before }) => textOf(before) ?? "").join("\n"));
  const added = changes.filter(({ modeBefore }) => modeBefore === null);
  return [
    ...changes.flatMap(refusedModes),
    ...added.flatMap(refusedNames),
    ...refusedTwins(added, changes, facts.basePaths),
    ...changes.flatMap((change) =>
      rules.flatMap(({ code, matches }) => (matches(change.path) ? [verdict("hold", code, change)] : [])),
    ),
    ...changes.flatMap(heldKinds),
    ...changes.flatMap((change) => contentVerdicts(change, knownHosts)),
    ...judgeRenames(changes),
  ];
}

const regular = new Set(["100644", "100755"]);

function refusedModes(change: JudgedChange): Verdict[] {
  const { modeBefore, modeAfter } = change;
  if (modeAfter === "120000" || (modeBefore === "120000" && modeAfter !== null))
    return [verdict("refuse", "symlink", change)];
  if (modeAfter === "160000" || (modeBefore === "160000" && modeAfter !== null))
    return [verdict("refuse", "submodule", change)];
  if (modeAfter !== null && !regular.has(modeAfter))
    return [verdict("refuse", "mode", change, `the mode ${modeAfter} is not a plain file's`)];
  return [];
}

function refusedNames(change: JudgedChange): Verdict[] {
  const name = utf8Of(change.rawPath);
  const reason = name === null ? "a name that is no UTF-8" : refusalOfPath(name);
  return reason === null ? [] : [verdict("refuse", "bad_name", change, reason)];
}

/** A new name that some machine takes for another one of the tree, or of a folder in it. */
function refusedTwins(
  added: readonly JudgedChange[],
  changes: readonly JudgedChange[],
  basePaths: readonly string[],
): Verdict[] {
  if (added.length === 0) return [];
  const gone = new Set(changes.filter(({ modeAfter }) => modeAfter === null).map(({ rawPath }) => rawPath));
  const names = new Map<string, string>();
  for (const raw of basePaths) if (!gone.has(raw)) names.set(foldPath(utf8Of(raw) ?? raw), raw);
  return added.flatMap((change) => {
    for (const raw of prefixesOf(change.rawPath)) {
      const fold = foldPath(utf8Of(raw) ?? raw);
      const other = names.get(fold);
      if (other !== undefined && other !== raw)
        return [verdict("refuse", "twin_name", change, `some systems take it for ${utf8Of(other) ?? "another name"}`)];
      names.set(fold, raw);
    }
    return [];
  });
}

function prefixesOf(path: string): string[] {
  return path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
}

type HoldRule = { code: VerdictCode; matches: PathMatcher };

/** The project's own list adds to ours; with a `!` before it, a pattern takes paths out of ours. */
function holdRules(own: readonly string[]): HoldRule[] {
  const { added, isTakenOut } = ownPaths(own);
  const ours = (patterns: readonly string[]): PathMatcher => {
    const isOurs = eitherWay(matchPaths(patterns));
    return (path) => isOurs(path) && !isTakenOut(path);
  };
  const isAdded = eitherWay(matchPaths(added));
  return [
    { code: "protected_path", matches: ours(protectedPaths) },
    { code: "lockfile", matches: ours(lockfiles) },
    { code: "build_config", matches: ours(buildConfigs) },
    { code: "project_protected", matches: isAdded },
  ];
}

/** As it is written, and as a file system without case opens it: macOS takes `.hu\u017fky` for `.husky`. */
function eitherWay(isMatch: PathMatcher): PathMatcher {
  return (path) => isMatch(path) || isMatch(foldPath(path));
}

function heldKinds(change: JudgedChange): Verdict[] {
  const { modeBefore, modeAfter, isBinary, before, after } = change;
  const isPointer = [before, after].some((bytes) =>
    textOf(bytes)?.startsWith("version https://git-lfs.github.com/spec/"),
  );
  const isLinkGone = modeAfter === null && modeBefore !== null && !regular.has(modeBefore);
  return [
    ...(isBinary || hasNul(after) ? [verdict("hold", "binary", change)] : []),
    ...(isPointer ? [verdict("hold", "lfs_pointer", change)] : []),
    ...(isLinkGone ? [verdict("hold", "link_deleted", change)] : []),
    ...(modeBefore !== null && modeAfter === "100755" && modeBefore !== modeAfter
      ? [verdict("hold", "executable", change)]
      : []),
    ...(modeBefore === null && modeAfter === "100755"
      ? [verdict("flag", "executable", change, "a new file is executable")]
      : []),
  ];
}

function contentVerdicts(change: JudgedChange, knownHosts: ReadonlySet<string>): Verdict[] {
  if ((change.isBinary || hasNul(change.after)) && !isTextWithNul(change)) return [];
  const [before, after] = [textOf(change.before), textOf(change.after)];
  const text = { path: change.path, before, after };
  const found = [...judgeContent(text, knownHosts), ...judgeUnseen(text)].map(({ level, code, line, detail }) => ({
    ...verdict(level, code, change, detail),
    line,
  }));
  const isPackage = /(^|\/)package\.json$/.test(foldPath(change.path));
  return isPackage
    ? [
        ...judgePackage(before, after).map(({ code, line, detail }) => ({
          ...verdict("hold", code, change, detail),
          line,
        })),
        ...found,
      ]
    : found;
}
