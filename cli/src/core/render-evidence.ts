import type { Evidence } from "@feedback-chat/protocol/evidence";
import { dollars } from "./money.ts";
import { duration } from "./duration.ts";

/** What was asked, done, checked, flagged and spent, as lines for a terminal. Text of others is cleaned by the caller. */
export function renderEvidence(evidence: Evidence): string[] {
  const { asked, done, checked, flagged, spent } = evidence;
  return [
    `asked    #${asked.issueNumber} ${asked.title}`,
    `done     ${done.isUnfinished ? "(unfinished) " : ""}${oneLine(done.summary)}`,
    ...done.files.map(
      ({ path, change, addedLines, removedLines }) => `         ${change} ${path} (+${addedLines} -${removedLines})`,
    ),
    ...checked.checks.map(
      ({ name, base, head }) =>
        `checked  ${name}: ${base ? `${base.outcome} before, ` : ""}${head.outcome} after, ${duration(head.durationMs)}`,
    ),
    ...(checked.note ? [`         ${checked.note}`] : []),
    ...flagged.map(({ level, path, line, detail }) => `${level.padEnd(8)} ${path}${line ? `:${line}` : ""} ${detail}`),
    `spent    ${dollars(spent.costMicroUsd)}, ${spent.inputTokens + spent.outputTokens} tokens, ${duration(spent.totalMs)}`,
  ];
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
