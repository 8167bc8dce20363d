import type { Level } from "../ports/engine.ts";

/** One event, one line, fields beside it. No secret, no ANSI, no stranger's text in `event`. */
export type EventLog = (level: Level, event: string, fields?: Record<string, unknown>) => void;

/** NDJSON lines, as `worker` writes them to stdout. */
export function ndjsonLog({ now, write }: { now(): Date; write(line: string): void }): EventLog {
  return (level, event, fields = {}) =>
    write(`${JSON.stringify({ at: now().toISOString(), level, event, ...fields })}\n`);
}

/** The fields of an error that may be logged: a Problem's code, and for a bug its stack. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  if ("code" in error && error.name === "Problem") return { code: error.code, error: error.message };
  return { error: error.message, stack: error.stack };
}
