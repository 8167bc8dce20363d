import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import type { Db, Tx } from "./database.ts";

/** Beside `src` in the repository and beside `dist` in the package. */
export const migrationsFolder = fileURLToPath(new URL("../../migrations/", import.meta.url));

/**
 * Brings the database to the newest schema, forward only. Of two that start at once, one works and the other waits:
 * everything happens in one transaction under an advisory lock.
 * @returns the names of the files that were applied.
 */
export async function migrate(db: Db, folder: string = migrationsFolder): Promise<string[]> {
  const files = knownMigrations(folder);
  return db.transaction().execute(async (tx) => {
    await holdMigrations(tx);
    await sql`create schema if not exists fc`.execute(tx);
    await sql`create schema if not exists auth`.execute(tx);
    await sql`create table if not exists fc.migrations (name text primary key, applied_at timestamptz not null default now())`.execute(
      tx,
    );
    const { rows } = await sql<{ name: string }>`select name from fc.migrations`.execute(tx);
    const applied = new Set(rows.map(({ name }) => name));
    const missing = files.filter((name) => !applied.has(name));
    for (const name of missing) {
      await sql.raw(readFileSync(`${folder}/${name}`, "utf8")).execute(tx);
      await sql`insert into fc.migrations (name) values (${name})`.execute(tx);
    }
    return missing;
  });
}

/** What a database lacks that this version needs; all of it where there is no schema yet. */
export async function lackingMigrations(db: Db, folder: string): Promise<string[]> {
  const applied = new Set(await appliedMigrations(db));
  return knownMigrations(folder).filter((name) => !applied.has(name));
}

async function appliedMigrations(db: Db): Promise<string[]> {
  const { rows: there } = await sql<{ is: boolean }>`select to_regclass('fc.migrations') is not null as is`.execute(db);
  if (!there[0]?.is) return [];
  const { rows } = await sql<{ name: string }>`select name from fc.migrations order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** All files, in order. */
export function knownMigrations(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.+\.sql$/.test(name))
    .toSorted();
}

/** Until the transaction's end nobody else migrates this database. */
export async function holdMigrations(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(7316402915)`.execute(tx);
}
