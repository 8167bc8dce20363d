import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import type { Table } from "./list-tables.ts";

type Deps = { source: Tx; target: Tx };

/** Of JSON, for one statement: a few of the largest rows, or some thousands of small ones. */
const batchBytes = 8_000_000;
const mostRows = 2_000;

/**
 * Copies one table as JSON made and read by the two databases, so that no value passes through a number of ours; then
 * compares both. @returns the number of rows
 */
export async function copyTable({ source, target }: Deps, table: Table): Promise<number> {
  const from = sql.raw(table.quoted);
  // One row from the start, or the migrations' own.
  await sql`delete from ${from}`.execute(target);
  const columns = sql.join(table.columns.map((name) => sql.id(name)));
  const batch = await rowsAtOnce(source, table);
  await sql`declare moved no scroll cursor for select to_jsonb(t)::text as row from ${from} t`.execute(source);
  for (;;) {
    const { rows } = await sql<{ row: string }>`fetch ${sql.raw(String(batch))} from moved`.execute(source);
    if (rows.length === 0) break;
    const json = `[${rows.map(({ row }) => row).join(",")}]`;
    await sql`
      insert into ${from} (${columns}) overriding system value
      select ${columns} from jsonb_populate_recordset(null::${from}, ${json}::jsonb)`.execute(target);
  }
  await sql`close moved`.execute(source);
  await setSequences(target, table);
  return compare({ source, target }, table);
}

async function rowsAtOnce(source: Tx, { quoted }: Table): Promise<number> {
  const { rows } = await sql<{ most: number }>`
    select coalesce(max(octet_length(to_jsonb(t)::text)), 1) as most from ${sql.raw(quoted)} t`.execute(source);
  return Math.max(1, Math.min(mostRows, Math.floor(batchBytes / (rows[0]?.most ?? 1))));
}

/** The next number of a column that counts by itself is beyond those that came along. */
async function setSequences(target: Tx, { quoted, columns }: Table): Promise<void> {
  const { rows } = await sql<{ column: string; sequence: string }>`
    select c as column, pg_get_serial_sequence(${quoted}, c) as sequence from unnest(${columns}::text[]) c
    where pg_get_serial_sequence(${quoted}, c) is not null`.execute(target);
  for (const { column, sequence } of rows)
    await sql`
      select setval(${sequence}::regclass, coalesce(max(${sql.id(column)}), 1), max(${sql.id(column)}) is not null)
      from ${sql.raw(quoted)}`.execute(target);
}

/** @throws TypeError when they differ: a bug of ours, and the target's transaction ends with it. */
async function compare({ source, target }: Deps, { name, quoted }: Table): Promise<number> {
  const look = sql<{ count: string; digest: string }>`
    select count(*)::text as count,
      coalesce(sum(('x' || substr(md5(to_jsonb(t)::text), 1, 15))::bit(60)::bigint), 0)::text as digest
    from ${sql.raw(quoted)} t`;
  const [here] = (await look.execute(source)).rows;
  const [there] = (await look.execute(target)).rows;
  if (here?.count !== there?.count || here?.digest !== there?.digest)
    throw new TypeError(`${name} came over changed: ${here?.count} rows (${here?.digest}), now ${there?.count} (${there?.digest}).`); // prettier-ignore
  return Number(here?.count ?? 0);
}
