import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { createPgConfig } from "@electric-sql/pglite/node-postgres";
import { Kysely } from "kysely";
import pg from "pg";
import type { Database } from "./database.ts";
import { LateBeginDialect } from "./late-begin.ts";
import { preparedDatabase } from "./prepared-database.ts";
import { takeFolder } from "./take-folder.ts";

/**
 * Opens the database that lives in `folder` (made if it is missing); `undefined` keeps it in memory, for tests.
 * PGlite has no lock of its own and two processes would lose rows silently, so the folder is taken first.
 * @throws Problem data_locked, naming the process that has it.
 */
export async function openEmbedded(folder: string | undefined): Promise<Database> {
  if (folder) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const taken = folder ? await takeFolder(folder) : undefined;
  const lite = await createLite(folder).catch((error: unknown) => {
    taken?.release();
    throw error;
  });
  return overLite(lite, () => taken?.release());
}

/** The same of one that is open already; it is closed with the returned value. */
export async function overLite(lite: PGlite, closed: () => void = () => undefined): Promise<Database> {
  const pool = new pg.Pool({
    ...(createPgConfig(lite) as pg.PoolConfig),
    max: 1,
    idleTimeoutMillis: 0,
  });
  const db = new Kysely<never>({ dialect: new LateBeginDialect({ pool }) });
  const close = async () => {
    await db.destroy();
    await lite.close();
    closed();
  };
  return {
    kind: "embedded",
    db,
    pool,
    listen: async (channel, heard) => {
      await lite.listen(channel, heard);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A first start that was killed, or found the disk full, leaves half a database, which would never open again. It is
 * known by a mark that stands while the first one is made and at no other time, and it is made anew.
 */
export async function createLite(folder: string | undefined): Promise<PGlite> {
  if (!folder) return createEmpty("memory://");
  const [place, mark] = [placeOf(folder), markOf(folder)];
  if (existsSync(mark)) rmSync(place, { recursive: true, force: true });
  if (existsSync(place)) return PGlite.create(place);
  writeFileSync(mark, "The database beside this file is not finished.\n");
  const lite = await createEmpty(place);
  rmSync(mark, { force: true });
  return lite;
}

async function createEmpty(place: string): Promise<PGlite> {
  const loadDataDir = await preparedDatabase();
  return PGlite.create(place, loadDataDir ? { loadDataDir } : {});
}

export const placeOf = (folder: string) => join(folder, "postgres");
/** Stands while the database beside it is made. */
export const markOf = (folder: string) => join(folder, "postgres-unfinished");
