import { Problem } from "@feedback-chat/protocol/problem";

const connection = ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EPIPE"];

/**
 * What a failure of the database is to whoever asked: it does not answer, or did not get through what was asked. The
 * transaction is undone, so asking again is right. Undefined: a bug of ours.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function databaseProblem(error: unknown): Problem | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // Class 08: connection exceptions; 57P: the server is shutting down or starting; 53: out of resources.
  if (
    /^(08|57P|53)/.test(code) ||
    connection.includes(code) ||
    /timeout exceeded when trying to connect|Connection terminated/.test(String(error))
  )
    return new Problem("unavailable", "The database does not answer.", { cause: error });
  // 40: a deadlock, or a transaction that cannot be put in order; a statement's, a lock's and a transaction's time-out.
  if (/^(40|57014|55P03|25P0[34])/.test(code))
    return new Problem("unavailable", "The database was too busy to do it.", { cause: error });
  return undefined;
}
