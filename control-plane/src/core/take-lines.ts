import { maxLineBytes, maxRunBytes } from "@feedback-chat/agent/core/clean-log";
import { makeRedactor } from "@feedback-chat/agent/core/redact";
import { redactLine } from "@feedback-chat/agent/core/redact-line";

type Line = { at: string; level: string; message: string };
/** What an attempt has logged so far. */
export type Logged = { bytes: number; lastMessage: string | null };

/** A worker ends its log at 5 MiB and then says so: that line still comes in. */
export const maxAttemptBytes = maxRunBytes + maxLineBytes;

/**
 * What is stored of an attempt's next lines: clean, redacted, and nothing after the attempt's limit but one line that
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
    if (used > maxAttemptBytes) break;
    const message = redactLine(redactor, line.message, before);
    used += new TextEncoder().encode(message).byteLength + 1;
    const isOver = used > maxAttemptBytes;
    taken.push(isOver ? { ...line, level: "warn", message: ended } : { ...line, message });
    before = message;
  }
  return { lines: taken, bytes: used };
}

const ended = "The rest is dropped: the log of an attempt ends at 5 MiB.";
const redactor = makeRedactor([]);
