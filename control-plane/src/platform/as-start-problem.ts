import { isProblem, Problem } from "@feedback-chat/protocol/problem";

/** What a person can act on among the things that end a server; anything else comes back as it is: a bug. */
export function asStartProblem(error: unknown): unknown {
  if (isProblem(error)) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (isDiskFull(error, code)) return new Problem("disk_full", "There is no room left on the disk.", { cause: error });
  if (/^(08|57P|53)/.test(code) || ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND"].includes(code))
    return new Problem("unavailable", `The database does not answer (${code}).`, { cause: error });
  if (code === "42501")
    return new Problem("usage", `The account in DATABASE_URL may not do this: ${String(error)}`, {
      next: "Let it own its database and make roles (`alter role … createrole`), or have an administrator run once: `create role feedback_chat_app nologin noinherit; grant feedback_chat_app to …;`.",
      cause: error,
    });
  if (code === "EACCES" || code === "EROFS")
    return new Problem("usage", `A file cannot be written: ${String(error)}`, {
      next: "Choose another DATA_DIR, or give this user the right to write there.",
      cause: error,
    });
  return error;
}

/** 53100 is Postgres' own code; inside PGlite the file system throws WASI's number for ENOSPC, and no Error at all. */
function isDiskFull(error: unknown, code: string): boolean {
  const errno = typeof error === "object" && error !== null && "errno" in error ? error.errno : 0;
  const isOfWasi = typeof error === "object" && error !== null && "name" in error && error.name === "ErrnoError";
  if (code === "ENOSPC" || code === "53100" || (isOfWasi && errno === 51)) return true;
  return error instanceof Error && /No space left on device/i.test(error.message);
}
