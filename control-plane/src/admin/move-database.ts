import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Database, Tx } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { holdMigrations } from "../platform/migrate.ts";
import { copyTable } from "./copy-table.ts";
import { listTables, type Table } from "./list-tables.ts";
import { setConstraintsAside } from "./set-constraints-aside.ts";

type Deps = { log: Log };
type Input = {
  /** Both with the schema of this version. */
  from: Database;
  to: Database;
};

/**
 * Copies every row to an empty database of the same schema, in one transaction of the target: killed half-way, the
 * target is as empty as before and the same call may come again. Before it commits, number and content of the rows of
 * each table are compared, and every foreign key is proven anew. The source is only read.
 * @throws Problem conflict when the target has rows
 */
export async function moveDatabase({ log }: Deps, { from, to }: Input): Promise<void> {
  const moved = await from.db.transaction().execute(async (source) => {
    await asInstance(source);
    return to.db.transaction().execute(async (target) => {
      await asInstance(target);
      // No server migrates it meanwhile, and of two that move one waits and then finds it full.
      await holdMigrations(target);
      const tables = await sameTables(source, target);
      await refuseRows(target, tables);
      const putBack = await setConstraintsAside(target, tables);
      let rows = 0;
      for (const table of tables) {
        const count = await copyTable({ source, target }, table);
        rows += count;
        log.info("move.table", { table: table.name, rows: count });
      }
      await putBack();
      return { tables: tables.length, rows };
    });
  });
  log.info("move.done", {
    ...moved,
    note: "Rows and contents agree, table by table. The embedded database is as it was: start no server on it any more. The master key moves by hand: give the new server the same MASTER_KEY, or the file `master-key`.",
  });
}

/** Forced row level security binds the tables' owner too, and texts of times follow the session's zone. */
async function asInstance(tx: Tx): Promise<void> {
  await sql`set local fc.system = 'on'; set local timezone = 'UTC'`.execute(tx);
}

async function sameTables(source: Tx, target: Tx): Promise<Table[]> {
  const [here, there] = [await listTables(source), await listTables(target)];
  if (JSON.stringify(here) === JSON.stringify(there)) return here;
  const names = (tables: Table[]) => tables.map(({ name, columns }) => `${name}(${columns.join(",")})`);
  const odd = names(here).filter((one) => !names(there).includes(one));
  const other = names(there).filter((one) => !names(here).includes(one));
  throw new Problem("conflict", `The two databases have other tables: ${[...odd, ...other].slice(0, 3).join("; ")}.`, {
    next: "Move into a database that only this version of the server has prepared: a new, empty one.",
  });
}

/** What a migration itself puts there does not count; `fc.instance` has one row from the start. */
async function refuseRows(target: Tx, tables: readonly Table[]): Promise<void> {
  const looks = tables
    .filter(({ name }) => name !== "fc.run_moves")
    .map(({ name, quoted }) => {
      const isUsed =
        name === "fc.instance" ? sql`where master_key_canary is not null or owner_code_hash is not null` : sql``;
      return sql`select ${name}::text as name where exists (select from ${sql.raw(quoted)} ${isUsed})`;
    });
  const { rows } = await sql<{ name: string }>`${sql.join(looks, sql` union all `)}`.execute(target);
  if (rows.length > 0)
    throw new Problem("conflict", `The target is not empty: there are rows in ${rows.slice(0, 5).map(({ name }) => name).join(", ")}.`, {
      next: "Name a new database in DATABASE_URL, on which no server has run yet. Nothing was changed in this one.",
    }); // prettier-ignore
}
