import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { expect, it } from "vitest";
import { knownMigrations, migrate, migrationsFolder } from "../src/platform/migrate.ts";
import { overLite } from "../src/platform/open-embedded.ts";
import { packEmptyDatabase } from "../src/platform/prepared-database.ts";

it("packs a database that is empty, names the engine's version, and takes our schema when it is unpacked", async () => {
  const { file, bytes } = await packEmptyDatabase();
  expect(file).toMatch(/dist\/empty-database-\d+\.\d+\.\d+\.tar\.gz$/);

  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-prepared-"));
  try {
    const lite = await PGlite.create(join(folder, "postgres"), { loadDataDir: new Blob([bytes]) });
    await using database = await overLite(lite);
    const schemas = "select nspname as name from pg_namespace where nspname !~ '^pg_' order by nspname";
    expect((await lite.query(schemas)).rows).toEqual([{ name: "information_schema" }, { name: "public" }]);
    expect(await migrate(database.db)).toEqual(knownMigrations(migrationsFolder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
