import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, it } from "vitest";
import { backUp } from "../../src/admin/back-up.ts";
import { moveDatabase } from "../../src/admin/move-database.ts";
import { restore } from "../../src/admin/restore.ts";
import { migrationsFolder } from "../../src/platform/migrate.ts";
import { openEmbedded } from "../../src/platform/open-embedded.ts";
import { sql } from "kysely";
import { expectWhole, type Lived, live } from "../support/lived-in-server.ts";
import { createHostedDatabase, openTestDatabase, quietLog } from "../support/open-test-database.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { startTestServer } from "../support/start-test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "fc-admin-"));
const running: ServerProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});
const MASTER_KEY = randomBytes(32).toString("base64");
function start(args: string[], env: Record<string, string>): ServerProcess {
  const server = startServerProcess(env, [], args);
  running.push(server);
  return server;
}
async function ran(args: string[], env: Record<string, string>) {
  const server = start(args, env);
  return { ...(await server.ended), events: server.events };
}
async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, options: "-c fc.system=on" });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text).finally(() => client.end());
  return rows;
}

it("case 38: backs a server's database up and restores it, with an owner who is no superuser", async () => {
  const first = await createHostedDatabase();
  let had: Lived;
  const file = join(folder, "server.backup");
  {
    await using server = await startTestServer({ env: { DATABASE_URL: first, MASTER_KEY } });
    had = await live(server);
    // While it runs. A copy is never written over another.
    const done = await ran(["backup", file], { DATABASE_URL: first });
    expect(done).toMatchObject({ code: 0, said: "" });
    expect(String(done.events.find(({ event }) => event === "backup.done")?.["note"])).toContain("master key");
  }
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  expect(readFileSync(file).includes("sk-ant-0123456789")).toBe(false);
  expect(await ran(["backup", file], { DATABASE_URL: first })).toMatchObject({ code: 6 });
  const full = await ran(["restore", file], { DATABASE_URL: first });
  expect(full).toMatchObject({ code: 6, said: expect.stringContaining("not empty") as string });

  const second = await createHostedDatabase();
  expect(await ran(["restore", file], { DATABASE_URL: second })).toMatchObject({ code: 0, said: "" });
  {
    await using server = await startTestServer({ env: { DATABASE_URL: second, MASTER_KEY } });
    await expectWhole(server, had);
  }
  // A newer release's copy, another kind of copy, and no copy at all: said, and nothing restored.
  const newer = join(folder, "newer.backup");
  await query(second, "insert into fc.migrations (name) values ('9999_next.sql')");
  expect(await ran(["backup", newer], { DATABASE_URL: second })).toMatchObject({ code: 0 });
  const third = await createHostedDatabase();
  const refused = await ran(["restore", newer], { DATABASE_URL: third });
  expect(refused).toMatchObject({ code: 2, said: expect.stringContaining("9999_next.sql") as string });
  const wrong = await ran(["restore", file], { DATA_DIR: join(folder, "nothing") });
  expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining("DATABASE_URL") as string });
  writeFileSync(join(folder, "text"), "create table oops ();");
  expect(await ran(["restore", join(folder, "text")], { DATABASE_URL: third })).toMatchObject({ code: 2 });
  // Files that are not there are people's mistakes, no bugs.
  const nowhere = join(folder, "no-such-folder", "x");
  const absent = { said: expect.stringContaining(nowhere) as string };
  expect(await ran(["restore", nowhere], { DATABASE_URL: third })).toMatchObject({ code: 5, ...absent });
  expect(await ran(["backup", nowhere], { DATABASE_URL: third })).toMatchObject({ code: 2, ...absent });
  expect(await query(third, "select from pg_namespace where nspname in ('fc', 'auth')")).toEqual([]);
}, 120_000);

it("case 38: backs the embedded database up while nothing runs on it, and restores it into an empty folder", async () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const file = join(folder, "folder.backup");
  const deps = { log: quietLog, environment: {}, openServerDatabase: () => Promise.reject(new TypeError("no server")) };
  const backUpTo = (dataFolder: string) => backUp(deps, { databaseUrl: undefined, dataFolder, file });
  const restoreFrom = (copy: string, dataFolder: string) =>
    restore(deps, { databaseUrl: undefined, dataFolder, file: copy, migrationsFolder });
  let had: Lived;
  {
    await using server = await startTestServer({ dataFolder: first, env: { MASTER_KEY } });
    had = await live(server);
    await expect(backUpTo(first)).rejects.toMatchObject({ code: "data_locked" });
    expect(existsSync(file)).toBe(false);
  }
  await backUpTo(first);
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  await expect(restoreFrom(file, first)).rejects.toMatchObject({ code: "conflict" });
  // A download that broke off: refused, and the folder can be used again.
  writeFileSync(join(folder, "half"), readFileSync(file).subarray(0, 200_000));
  await expect(restoreFrom(join(folder, "half"), second)).rejects.toMatchObject({ code: "usage" });
  await restoreFrom(file, second);
  await using server = await startTestServer({ dataFolder: second, env: { MASTER_KEY } });
  await expectWhole(server, had);
}, 180_000);

it("case 38: moves the embedded database to an empty server, all or nothing, however often it is killed", async () => {
  const dataFolder = join(folder, "moving");
  let had: Lived;
  {
    await using server = await startTestServer({ dataFolder });
    had = await live(server);
    // Odd values, many rows, large rows.
    const { db, newId } = server.deps;
    await sql`insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", message)
      select ${had.runId}, 100 + n, ${had.projectId}, 1, n, ${"tab\t quote\" back\\slash \u{1F600} "} || n from generate_series(1, 5000) n`.execute(db); // prettier-ignore
    await sql`insert into fc.artifacts (id, run_id, project_id, name, sha256, size_bytes, content)
      select ${newId()}::uuid, ${had.runId}, ${had.projectId}, 'big', '', 9000000, decode(repeat('00ff7f80', 2250000), 'hex')`.execute(db); // prettier-ignore
    await sql`update fc.job_queue set run_at = 'infinity' where project_id = ${had.projectId}`.execute(db);
  }
  const target = await createHostedDatabase();
  const env = { DATA_DIR: dataFolder, DATABASE_URL: target };
  const killed = start(["move"], env);
  await killed.event("move.table");
  killed.child.kill("SIGKILL");
  await killed.ended;
  expect(await query(target, "select from fc.users union all select from fc.projects")).toEqual([]);

  const moved = await ran(["move"], env);
  expect(moved).toMatchObject({ code: 0, said: "" });
  const counts = moved.events.filter(({ event }) => event === "move.table");
  expect(counts.length).toBeGreaterThan(30);
  {
    await using from = await openEmbedded(dataFolder);
    for (const { table, rows } of counts) {
      const count = sql.raw<{ n: number }>(
        `select count(*)::int as n from ${String(table).replace(/\.(.*)/, '."$1"')}`,
      );
      expect({ table, rows }).toEqual({ table, rows: (await count.execute(from.db)).rows[0]?.n });
    }
  }
  const [there] = await query(target, "select count(*)::int as lines, (select count(*)::int from pg_constraint where contype = 'f') as keys, (select count(*)::int from pg_trigger where tgenabled = 'D') as off from fc.run_logs"); // prettier-ignore
  expect(there).toMatchObject({ lines: 5_000, off: 0 });
  expect(Number(there?.["keys"])).toBeGreaterThan(40);

  const again = await ran(["move"], env);
  expect(again).toMatchObject({ code: 6, said: expect.stringContaining("not empty") as string });
  const key = readFileSync(join(dataFolder, "master-key"), "utf8");
  await using server = await startTestServer({ env: { DATABASE_URL: target, MASTER_KEY: key } });
  await expectWhole(server, had);
}, 180_000);

it("lets a column that counts by itself go on behind what was moved, and refuses a target with other tables", async () => {
  await using from = await openTestDatabase("embedded");
  await using to = await openTestDatabase("server");
  const counting = sql`
    create table fc.tickets (n bigint generated always as identity primary key, doubled bigint generated always as (n * 2) stored, word text)`;
  await counting.execute(from.db);
  await sql`insert into fc.tickets (word) select 'w' from generate_series(1, 7)`.execute(from.db);
  const moved = () => moveDatabase({ log: quietLog }, { from, to });
  await expect(moved()).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("fc.tickets") as string }); // prettier-ignore
  await counting.execute(to.db);
  await moved();
  const { rows } = await sql`insert into fc.tickets (word) values ('next') returning n::int, doubled::int`.execute(
    to.db,
  );
  expect(rows).toEqual([{ n: 8, doubled: 16 }]);
}, 60_000);
