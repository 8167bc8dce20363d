import { maxLineBytes, maxRunBytes } from "@feedback-chat/agent/core/clean-log";
import { makeRedactor } from "@feedback-chat/agent/core/redact";
import { redactLine } from "@feedback-chat/agent/core/redact-line";

type Line = { at: string; level: string; message: string };
/** Of all attempts of the run, and of this one. */
export type Logged = { bytes: number; lastMessage: string | null };

/** A worker ends a run's log at 5 MiB and says so once an attempt: those lines still come in. */
export const maxStoredBytes = maxRunBytes + maxLineBytes;

/**
 * What is stored of an attempt's next lines: clean, redacted, and nothing after the run's limit but one line that
 * says so. Each line stays one line, in its place.
 */
export function takeLines<L extends Line>(
  lines: readonly L[],
  { bytes, lastMessage }: Logged,
): { lines: Line[]; bytes: number } {
  const taken: Line[] = [];
  let before = lastMessage;
  let used = bytes;
  for (const line of lines) {
    if (used > maxStoredBytes) break;
    const message = redactLine(redactor, line.message, before);
    used += new TextEncoder().encode(message).byteLength + 1;
    const isOver = used > maxStoredBytes;
    taken.push(isOver ? { ...line, level: "warn", message: ended } : { ...line, message });
    before = message;
  }
  return { lines: taken, bytes: used };
}

const ended = "The rest is dropped: the log of a run ends at 5 MiB.";
const redactor = makeRedactor([]);
