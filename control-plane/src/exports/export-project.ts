import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { type RawBuilder, sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { wireActor } from "../core/wire-actor.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { packageVersion } from "../platform/package-version.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { type ExportTable, project, projectTables, runs, runTables } from "./export-tables.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "now">;
type Input = {
  caller: Caller;
  projectId: string;
  workspaceId: string;
  /** Throws as soon as the caller may not read this any more: an export lasts. */
  recheck: () => Promise<void>;
};
type Page = { rows: string[]; last: string[] | null };

/**
 * All that is stored of a project, a line of JSON per row, without anything that opens something. Read by pages, the
 * next one when the reader has taken the last, so that neither memory nor a transaction grows with it. The last line
 * counts the rows of each table: an export without it is cut off. What is written meanwhile may be in it or not.
 */
export async function exportProject(deps: Deps, input: Input): Promise<ReadableStream<Uint8Array>> {
  const { caller, projectId, workspaceId } = input;
  await asProject(deps.db, projectId, (tx) =>
    writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "project.exported", target: idOf("prj", projectId),
    }),
  ); // prettier-ignore
  return ReadableStream.from(encoded(linesOf(deps, input)));
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(line);
}

async function* linesOf(deps: Deps, { projectId, recheck }: Input): AsyncGenerator<string> {
  const counts: Record<string, number> = {};
  const from = { ...deps, projectId };
  async function* all(table: ExportTable, of: RawBuilder<unknown>) {
    counts[table.table] ??= 0;
    for await (const { rows } of pagesOf(from, table, of)) {
      counts[table.table] = (counts[table.table] ?? 0) + rows.length;
      await recheck();
      yield rows.map((row) => `{"type":"${table.table}","row":${row}}\n`).join("");
    }
  }
  const head = { type: "export", version: 1, projectId: idOf("prj", projectId), at: deps.now().toISOString(), server: packageVersion }; // prettier-ignore
  yield `${JSON.stringify(head)}\n`;
  yield* all(project, sql`t.id = ${projectId}`);
  for (const table of projectTables) yield* all(table, sql`t.project_id = ${projectId}`);
  for (const table of [runs, ...runTables]) counts[table.table] = 0;
  for await (const { rows, ids } of runPages(from)) {
    counts[runs.table] = (counts[runs.table] ?? 0) + rows.length;
    yield rows.map((row) => `{"type":"${runs.table}","row":${row}}\n`).join("");
    for (const table of runTables) yield* all(table, sql`t.run_id = any(${ids}::uuid[])`);
  }
  yield `${JSON.stringify({ type: "end", rows: counts })}\n`;
}

type From = Deps & { projectId: string };

async function* runPages(from: From): AsyncGenerator<{ rows: string[]; ids: string[] }> {
  for await (const { rows } of pagesOf(from, runs, sql`t.project_id = ${from.projectId}`))
    yield { rows, ids: rows.map((row) => (JSON.parse(row) as { id: string }).id) };
}

async function* pagesOf({ db, projectId }: From, table: ExportTable, of: RawBuilder<unknown>): AsyncGenerator<Page> {
  for (let after: string[] | null = null, isOver = false; !isOver;) {
    const page: Page = await asProject(db, projectId, (tx) => readPage(table, of, after).execute(tx)).then(toPage);
    if (page.rows.length > 0) yield page;
    after = page.last;
    isOver = page.rows.length < table.rows;
  }
}

type Read = { row: string; key: string[]; actor: Actor | null };
const toPage = ({ rows }: { rows: Read[] }): Page => ({
  rows: rows.map(({ row, actor }) =>
    actor ? `${row.slice(0, -1)}, "actor": ${JSON.stringify(wireActor(actor))}}` : row,
  ),
  last: rows.at(-1)?.key ?? null,
});

/** JSON is made by the database: bytes are hex there, times RFC 3339, and no number is rounded. */
function readPage(
  { table, key, rows, keptBack = [], hasActor }: ExportTable,
  of: RawBuilder<unknown>,
  after: string[] | null,
) {
  const columns = sql.join(key.map(([name]) => sql`t.${sql.ref(name)}`));
  const texts = sql.join(key.map(([name]) => sql`t.${sql.ref(name)}::text`));
  const place = sql.join(key.map(([, type], nth) => sql`${after?.[nth] ?? null}::text::${sql.raw(type)}`));
  const beyond = after === null ? sql`true` : sql`(${columns}) > (${place})`;
  return sql<Read>`
    select (to_jsonb(t) - ${hasActor ? [...keptBack, "actor"] : keptBack}::text[])::text as row, array[${texts}] as key,
      ${hasActor ? sql`t.actor` : sql`null::jsonb`} as actor from fc.${sql.ref(table)} t
    where ${of} and ${beyond} order by ${columns} limit ${rows}`;
}
