import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import type { Table } from "./list-tables.ts";

/**
 * Takes off foreign keys and triggers for this transaction, since tables point at each other in circles. An owner may do
 * that; to switch them off for a session takes a superuser, which a hosted database gives nobody.
 * @returns what puts all of them back, proving every key over all rows.
 */
export async function setConstraintsAside(tx: Tx, tables: readonly Table[]): Promise<() => Promise<void>> {
  const { rows: keys } = await sql<{ table: string; name: string; definition: string }>`
    select format('%I.%I', n.nspname, c.relname) as table, format('%I', k.conname) as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and n.nspname in ('fc', 'auth') order by 1, 2`.execute(tx);
  const triggers = (verb: "disable" | "enable") =>
    tables.map(({ quoted }) => `alter table ${quoted} ${verb} trigger user`);
  const drops = keys.map(({ table, name }) => `alter table ${table} drop constraint ${name}`);
  const adds = keys.map(({ table, name, definition }) => `alter table ${table} add constraint ${name} ${definition}`);
  const run = async (statements: string[]) => void (await sql.raw(statements.join(";\n")).execute(tx));
  await run([...drops, ...triggers("disable")]);
  return () => run([...adds, ...triggers("enable")]);
}
