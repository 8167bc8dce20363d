import { closeSync, createReadStream, mkdirSync, openAsBlob, openSync, readSync } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { loadEmbedded } from "../platform/copy-embedded.ts";
import type { Database, Db } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { knownMigrations } from "../platform/migrate.ts";
import { runPostgresTool, type ToolDeps } from "./run-postgres-tool.ts";

type Deps = ToolDeps & { log: Log; openServerDatabase: () => Promise<Database> };
type Input = {
  databaseUrl: string | undefined;
  dataFolder: string | undefined;
  file: string;
  migrationsFolder: string;
};

/**
 * Brings a copy back into an empty database, whole or not at all: one that was killed half-way leaves it empty. The next
 * start with the same master key goes on from there, and migrates.
 * @throws Problem conflict (not empty), usage (no such copy, or a newer release's), data_locked, package_missing, run_failed
 */
export async function restore(deps: Deps, input: Input): Promise<void> {
  const kind = kindOf(input.file);
  const target = input.databaseUrl ? "server" : "embedded";
  if (kind !== target)
    throw new Problem("usage", `${input.file} is a copy of ${named[kind]}, and the settings name ${named[target]}.`, {
      next:
        kind === "embedded"
          ? "Restore it into a folder (DATA_DIR, without DATABASE_URL), then `move` that to the server."
          : "Set DATABASE_URL to an empty database.",
    });
  if (kind === "server") await restoreServer(deps, input);
  else await restoreFolder(input);
  deps.log.info("restore.done", {
    file: input.file, kind,
    note: "The master key was not in it: start with the MASTER_KEY, or the file `master-key`, that belongs to this copy.",
  }); // prettier-ignore
}

const named = { server: "a server's database", embedded: "an embedded database" };

/** By its first bytes: pg_dump's own, or gzip's. */
function kindOf(file: string): "server" | "embedded" {
  const start = firstBytes(file);
  if (start.toString("latin1") === "PGDMP") return "server";
  if (start[0] === 0x1f && start[1] === 0x8b) return "embedded";
  throw new Problem("usage", `${file} is no copy that \`backup\` made.`, {
    next: "A plain dump of `pg_dump` goes into an empty database by `psql`: see docs/running.md.",
  });
}

function firstBytes(file: string): Buffer {
  const start = Buffer.alloc(5);
  try {
    const handle = openSync(file, "r");
    try {
      readSync(handle, start);
    } finally {
      closeSync(handle);
    }
    return start;
  } catch (error) {
    if (!/^E(NOENT|NOTDIR|ACCES|PERM|ISDIR)$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new Problem("not_found", `${file} cannot be read: ${(error as Error).message}.`, {
      next: "Name a copy that `backup` made.",
      cause: error,
    });
  }
}

async function restoreFolder({ dataFolder, file, migrationsFolder }: Input): Promise<void> {
  if (!dataFolder) throw new Problem("usage", "Where to? DATA_DIR is not set.", { next: "Set it to an empty folder." });
  await expectWhole(file);
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  await loadEmbedded(dataFolder, await openAsBlob(file), (applied) =>
    refuseUnknown(applied, knownMigrations(migrationsFolder)),
  );
}

/** PGlite unpacks what it is given, and a broken end is nothing that it can be asked about. */
async function expectWhole(file: string): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(createReadStream(file), createGunzip(), nowhere).catch((error: unknown) => {
    if (!String((error as NodeJS.ErrnoException).code).startsWith("Z_")) throw error;
    throw new Problem("usage", `${file} is not whole: it cannot be unpacked.`, {
      next: "Take another copy, or fetch this one again. Nothing was restored.",
      cause: error,
    });
  });
}

async function restoreServer(deps: Deps, { databaseUrl = "", file, migrationsFolder }: Input) {
  refuseUnknown(await migrationsIn(deps, file), knownMigrations(migrationsFolder));
  {
    await using database = await deps.openServerDatabase();
    await refuseFull(database.db);
    await makeRole(database.db);
  }
  const args = ["--single-transaction", "--exit-on-error", "--no-owner", file];
  await runPostgresTool(deps, { tool: "pg_restore", args, databaseUrl });
}

/** The copied rows of `fc.migrations`, as COPY writes them. */
async function migrationsIn(deps: ToolDeps, file: string): Promise<string[]> {
  const args = ["--data-only", "--schema=fc", "--table=migrations", "--file=-", file];
  const text = await runPostgresTool(deps, { tool: "pg_restore", args });
  return [...text.matchAll(/^(\d{4}_\S+\.sql)\t/gm)].map(([, name = ""]) => name);
}

function refuseUnknown(applied: readonly string[], known: readonly string[]): void {
  if (applied.length === 0)
    throw new Problem("usage", "This is no copy of a feedback-chat database: it has no migrations.", {
      next: "Name a file that `backup` made.",
    });
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new Problem("usage", `This copy is of a newer release: ${unknown.join(", ")} is not known here. Nothing was restored.`, {
    next: "Install the release that made the copy, or a later one.",
  }); // prettier-ignore
}

async function refuseFull(db: Db): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('fc', 'auth') and c.relkind = 'r' order by 1 limit 3`.execute(db);
  if (rows.length === 0) {
    await sql`drop schema if exists fc`.execute(db);
    await sql`drop schema if exists auth`.execute(db);
    return;
  }
  throw new Problem("conflict", `The database is not empty: it has ${rows.map(({ name }) => name).join(", ")}.`, {
    next: "Make a new database (`createdb`), and name that in DATABASE_URL. Nothing was changed in this one.",
  });
}

/** Roles are the cluster's, not the database's: no dump has them. */
async function makeRole(db: Db): Promise<void> {
  await sql`
    do $$ begin
      if not exists (select from pg_roles where rolname = 'feedback_chat_app') then
        create role feedback_chat_app nologin noinherit nosuperuser nobypassrls;
      end if;
    end $$`.execute(db);
  await sql`grant feedback_chat_app to current_user`.execute(db);
}
