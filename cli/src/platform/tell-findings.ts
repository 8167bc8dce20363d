import type { CheckFinding } from "@feedback-chat/protocol/check";
import { cleanText } from "./clean-text.ts";
import type { Terminal } from "./terminal.ts";

/** Writes a line per finding, with what to do below it. */
export function tellFindings(terminal: Terminal, checks: readonly CheckFinding[]): void {
  const width = Math.max(...checks.map(({ id }) => id.length));
  for (const finding of checks) terminal.data(`${lineOf(finding, width)}\n`);
}

function lineOf({ id, status, title, detail, next }: CheckFinding, width: number): string {
  const mark = { pass: "ok", fail: "FAIL", skipped: "skip", warn: "warn", error: "????" }[status];
  const line = `${mark.padEnd(4)} ${id.padEnd(width)}  ${title}: ${cleanText(detail)}`;
  return next ? `${line}\n     ${" ".repeat(width)}  next: ${cleanText(next)}` : line;
}
