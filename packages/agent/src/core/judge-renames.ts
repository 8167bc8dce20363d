import { compareLines } from "./compare-lines.ts";
import { foldPath } from "./judge-path.ts";
import { type JudgedChange, textOf, verdict } from "./verdict-of.ts";
import type { Verdict } from "@feedback-chat/protocol/evidence";

/** Of the lines of both. Git's own measure for a rename. */
const leastAlike = 0.5;

/**
 * Flags a new file that mostly is a deleted one. A diff shows it as two whole files, in which nobody sees the few lines
 * that differ. The nearest deleted file counts.
 */
export function judgeRenames(changes: readonly JudgedChange[]): Verdict[] {
  const gone = changes.filter(({ before, after }) => before !== null && after === null);
  return changes.flatMap((change) => {
    if (change.before !== null || change.after === null || change.after.length === 0) return [];
    const [nearest] = gone
      .flatMap((other) => {
        const { likeness, differing } = compare(other, change);
        // A name in another case hides nothing.
        if (differing === 0 && foldPath(other.path) === foldPath(change.path)) return [];
        return likeness >= leastAlike ? [{ likeness, differing, path: other.path }] : [];
      })
      .toSorted((a, b) => b.likeness - a.likeness);
    if (nearest === undefined) return [];
    const how = nearest.differing === 0 ? "unchanged" : `${nearest.differing} lines differ`;
    return [verdict("flag", "renamed", change, `renamed from ${nearest.path}, ${how}`)];
  });
}

function compare(old: JudgedChange, now: JudgedChange): { likeness: number; differing: number } {
  const none = { likeness: 0, differing: 0 };
  const [a, b] = [old.before?.length ?? 0, now.after?.length ?? 0];
  if (Math.min(a, b) < leastAlike * Math.max(a, b) * 0.5) return none;
  const [before, after] = [textOf(old.before) ?? "", textOf(now.after) ?? ""];
  if (before === after) return { likeness: 1, differing: 0 };
  if (old.isBinary || now.isBinary) return none;
  const { added, removed } = compareLines(before, after);
  const lines = before.split("\n").length + after.split("\n").length;
  return { likeness: 1 - (added.length + removed.length) / lines, differing: Math.max(added.length, removed.length) };
}
