import { sql } from "kysely";
import { expect, it } from "vitest";
import { isLeader } from "../../src/jobs/sweep-jobs.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { migrateSessions } from "../../src/sessions/open-sessions.ts";
import { kinds, openTestDatabase, quietLog } from "../support/open-test-database.ts";

it.each(kinds)(
  "makes better-auth's tables though several start at once, and leaves no lock behind, on %s",
  async (kind) => {
    await using database = await openTestDatabase(kind);
    const migrate = () => migrateSessions({ database, log: quietLog });
    await Promise.all(kind === "server" ? [migrate(), migrate(), migrate()] : [migrate()]);
    const { rows: tables } =
      await sql`select from pg_tables where schemaname = 'auth' and tablename = 'session'`.execute(database.db);
    expect(tables).toHaveLength(1);
    const { rows: locks } = await sql`
    select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`.execute(
      database.db,
    );
    expect(locks).toEqual([]);
  },
);

it("waits for no sweeper of another replica, which leads for as long as its transaction lasts", async () => {
  await using database = await openTestDatabase("server");
  await asSystem(database.db, async (tx) => {
    expect(await isLeader(tx)).toBe(true);
    await sql`set local lock_timeout = '5s'`.execute(tx);
    await migrateSessions({ database, log: quietLog });
    expect(
      (await sql`select from pg_tables where schemaname = 'auth' and tablename = 'session'`.execute(tx)).rows,
    ).toHaveLength(1);
  });
});

it("lets its lock go with its transaction when a migration breaks", async () => {
  await using database = await openTestDatabase("server");
  // A view where a table belongs: its columns cannot be added.
  await sql`create view auth.session as select 1 as nothing`.execute(database.db);
  await expect(migrateSessions({ database, log: quietLog })).rejects.toThrow();
  await sql`drop view auth.session`.execute(database.db);
  await migrateSessions({ database, log: quietLog });
});
