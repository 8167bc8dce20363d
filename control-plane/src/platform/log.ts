/** Strings, numbers, booleans; `error` takes whatever was thrown. */
export type LogFields = Record<string, unknown>;

/** Logs are events with fields, one line of JSON each, without secrets and without ANSI. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  const line = (level: string, event: string, fields: Record<string, unknown> = {}) => {
    const { error, ...rest } = fields;
    const cause =
      error instanceof Error
        ? { error: error.message, stack: error.stack }
        : error === undefined
          ? {}
          : { error: typeof error === "string" ? error : JSON.stringify(error) };
    write(`${JSON.stringify({ at: now().toISOString(), level, event, ...rest, ...cause })}\n`);
  };
  return {
    info: (event, fields) => line("info", event, fields),
    warn: (event, fields) => line("warn", event, fields),
    error: (event, fields) => line("error", event, fields),
  };
}
