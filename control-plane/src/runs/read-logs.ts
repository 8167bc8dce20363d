import type { LogLine, LogPage } from "@feedback-chat/protocol/run";
import { logLevels } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";

const seq = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

export const logQuery = z.object({
  after: seq.optional(),
  before: seq.optional(),
  /** The last so many lines of what the rest asks for. */
  tail: z.coerce.number().int().min(1).max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
  q: z.string().max(200).optional(),
  /** This level and those above. */
  level: z.enum(logLevels).optional(),
});
export type LogQuery = z.output<typeof logQuery>;

export type LogRow = { seq: string; at: Date; level: LogLine["level"]; message: string };

export function toLine(row: LogRow): LogLine {
  return {
    seq: Number(row.seq),
    at: row.at.toISOString(),
    level: row.level,
    message: row.message,
  };
}

type Deps = Pick<AppDeps, "db">;

/** A page of a run's log lines, in order. `next` is the `after` of the following page. */
export async function readLogs(
  { db }: Deps,
  { projectId, runId }: { projectId: string; runId: string },
  query: LogQuery,
): Promise<LogPage> {
  const { after, before, tail, q, level } = query;
  const limit = tail ?? query.limit;
  const like = q === undefined ? null : `%${q.replace(/[\\%_]/g, "\\$&")}%`;
  const only = [
    sql`run_id = ${runId}`,
    ...(after === undefined ? [] : [sql`seq > ${after}`]),
    ...(before === undefined ? [] : [sql`seq < ${before}`]),
    ...(like === null ? [] : [sql`message ilike ${like}`]),
    ...(level === undefined ? [] : [sql`level = any (${logLevels.slice(logLevels.indexOf(level))}::text[])`]),
  ];
  const order = tail === undefined ? sql`seq` : sql`seq desc`;
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<LogRow>`select seq, "timestamp" as at, level, message from fc.run_logs
      where ${sql.join(only, sql` and `)} order by ${order} limit ${limit + 1}`.execute(tx),
  );
  const page = rows.slice(0, limit);
  if (tail !== undefined) return { lines: page.toReversed().map(toLine), next: null };
  const last = page.at(-1);
  return {
    lines: page.map(toLine),
    next: rows.length > limit && last ? Number(last.seq) : null,
  };
}

/** The page as plain text, one line each; where it goes on stands in the header `x-next`. */
export function logsAsText(page: LogPage): Response {
  const text = page.lines.map(({ at, level, message }) => `${at} ${level.padEnd(5)} ${message}\n`).join("");
  return new Response(text, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      ...(page.next === null ? {} : { "x-next": String(page.next) }),
    },
  });
}
