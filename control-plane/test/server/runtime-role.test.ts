import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { checkRuntimeRole } from "../../src/platform/check-runtime-role.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { openEmbedded } from "../../src/platform/open-embedded.ts";
import { kinds, openTestDatabase } from "../support/open-test-database.ts";
import { startTestServer } from "../support/start-test-server.ts";

const unbound = {
  code: "unavailable",
  message: expect.stringContaining("row level security does not bind it") as string,
};

it.each(kinds)(
  "finds nothing wrong with the role that the migrations make, but with one that owns a table, on %s",
  async (kind) => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    await checkRuntimeRole(db);
    await sql`grant create on schema fc to feedback_chat_app`.execute(db);
    await sql`alter table fc.workspaces owner to feedback_chat_app`.execute(db);
    await expect(checkRuntimeRole(db)).rejects.toMatchObject(unbound);
    await sql`alter table fc.workspaces owner to current_user`.execute(db);
    await checkRuntimeRole(db);
  },
);

// A role belongs to its whole cluster: only the embedded database is one of its own.
it.each(["superuser", "bypassrls"])(
  "does not start a server whose role was made %s, and starts it again without",
  async (right) => {
    const dataFolder = mkdtempSync(join(tmpdir(), "fc-role-"));
    const alter = async (wish: string) => {
      await using database = await openEmbedded(dataFolder);
      await migrate(database.db);
      await sql`alter role feedback_chat_app ${sql.raw(wish)}`.execute(database.db);
    };
    await alter(right);
    await expect(startTestServer({ dataFolder })).rejects.toMatchObject(unbound);
    await alter(`no${right}`);
    {
      await using server = await startTestServer({ dataFolder });
      expect((await fetch(`${server.url}/api/healthz`)).status).toBe(200);
    }
    rmSync(dataFolder, { recursive: true, force: true });
  },
);
