import type { Evidence } from "@feedback-chat/protocol/evidence";
import { dollars } from "./money.ts";
import { duration } from "./duration.ts";

/**
 * What was asked, done, checked, flagged and spent, as lines for a terminal. Every text of others stays on its own line,
 * so that no title and no file name can forge another; control characters are the caller's to clean.
 */
export function renderEvidence(evidence: Evidence): string[] {
  const { asked, done, checked, flagged, spent } = evidence;
  return [
    `asked    #${asked.issueNumber} ${oneLine(asked.title)}`,
    `done     ${done.isUnfinished ? `(unfinished: ${done.unfinishedBecause ?? "stopped"}) ` : ""}${oneLine(done.summary)}`,
    ...done.files.map(
      ({ path, change, addedLines, removedLines }) =>
        `         ${change} ${oneLine(path)} (+${addedLines} -${removedLines})`,
    ),
    ...(checked.checks.length === 0 ? ["checked  nothing: the project names no check"] : []),
    ...checked.checks.map(
      ({ name, base, head }) =>
        `checked  ${oneLine(name)}: ${base ? `${words(base.outcome)} before, ` : ""}${words(head.outcome)} after, ${duration(head.durationMs)}`,
    ),
    ...(checked.note ? [`         ${oneLine(checked.note)}`] : []),
    ...flagged.map(
      ({ level, path, line, detail }) =>
        `${level.padEnd(8)} ${oneLine(path)}${line ? `:${line}` : ""} ${oneLine(detail)}`,
    ),
    `spent    ${dollars(spent.costMicroUsd)}, ${spent.inputTokens + spent.outputTokens} tokens, ${duration(spent.totalMs)}`,
  ];
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

function words(outcome: string): string {
  return outcome.replaceAll("_", " ");
}
