import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

export type Table = {
  /** `fc.users` */
  name: string;
  /** As SQL wants it. */
  quoted: string;
  /** Those that are stored; the database computes the others. */
  columns: string[];
};

/** All tables of ours and of better-auth, but the list of migrations, which each database has of its own. */
export async function listTables(tx: Tx): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select n.nspname || '.' || c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted,
      array_agg(a.attname::text order by a.attname) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where n.nspname in ('fc', 'auth') and c.relkind = 'r' and not (n.nspname = 'fc' and c.relname = 'migrations')
    group by 1, 2 order by 1`.execute(tx);
  return rows;
}
