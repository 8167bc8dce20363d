import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { moves, stages } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { describe, expect, it } from "vitest";
import { asProject, asSystem, asWorkspace } from "../src/platform/as-tenant.ts";
import type { Db } from "../src/platform/database.ts";
import { migrate, migrationsFolder } from "../src/platform/migrate.ts";
import { openEmbedded } from "../src/platform/open-embedded.ts";
import { openServer } from "../src/platform/open-server.ts";
import { createDatabase, kinds, quietLog } from "./support/open-test-database.ts";
import { seedKey, seedProject, seedRun, seedUser, seedWorkspace } from "./support/seed.ts";
import { shareDatabase } from "./support/share-database.ts";

type Table = {
  name: string;
  columns: string[];
  isEnabled: boolean;
  isForced: boolean;
  policies: number;
};

async function tablesOf(db: Db): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select c.relname as name, c.relrowsecurity as "isEnabled", c.relforcerowsecurity as "isForced",
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
    from pg_class c where c.relnamespace = 'fc'::regnamespace and c.relkind in ('r', 'p') order by c.relname`.execute(
    db,
  );
  return rows;
}

/** Hold no one's rows: the machine, and which migrations ran. */
const untenanted = ["migrations", "run_moves"];

describe.each(kinds)("the schema on %s", (kind) => {
  const database = shareDatabase(kind);

  it("holds exactly the moves of the protocol", async () => {
    const { rows } = await sql<{
      move: string;
    }>`select from_stage || ' ' || event || ' ' || to_stage as move from fc.run_moves`.execute(database().db);
    const expected = stages.flatMap((from) =>
      Object.entries(moves[from]).map(([event, to]) => `${from} ${event} ${to}`),
    );
    expect(rows.map(({ move }) => move).toSorted()).toEqual(expected.toSorted());
  });

  it("forces row level security, with a policy, on every table but the machine's", async () => {
    const tables = await tablesOf(database().db);
    expect(tables.length).toBeGreaterThan(20);
    const open = tables.filter(
      ({ name, isEnabled, isForced, policies }) =>
        !untenanted.includes(name) && !(isEnabled && isForced && policies > 0),
    );
    expect(open.map(({ name }) => name)).toEqual([]);
    const tenants = tables.filter(({ columns }) => columns.includes("project_id") || columns.includes("workspace_id"));
    expect(tenants.length).toBeGreaterThanOrEqual(17);
  });

  it("calls no function of ours in a policy", async () => {
    const { rows } = await sql<{ table: string; rule: string }>`
      select tablename as table, concat_ws(' ', qual, with_check) as rule from pg_policies where schemaname = 'fc'`.execute(
      database().db,
    );
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ rule }) => /\bfc\.\w+\(/.test(rule))).toEqual([]);
    expect(rows.filter(({ rule }) => !rule.includes("current_setting('fc.system'"))).toEqual([]);
  });

  it("finds what belongs to a run, job, issue, snapshot or worker by an index", async () => {
    const { rows } = await sql<{ key: string; isIndexed: boolean }>`
      select k.conrelid::regclass || ' ' || a.attname as key, exists (
        select from pg_index i where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1]) as "isIndexed"
      from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
      where k.contype = 'f' and k.confrelid = any(array['fc.pipeline_runs', 'fc.job_queue', 'fc.issues', 'fc.issue_snapshots', 'fc.workers']::regclass[])`.execute(
      database().db,
    );
    expect(rows.length).toBeGreaterThanOrEqual(12);
    expect(rows.filter(({ isIndexed }) => !isIndexed)).toEqual([]);
  });

  it("shows a transaction that names no tenant no row of any table, and a tenant only its own", async () => {
    const { db } = database();
    const mine = await seedTenant(db);
    const other = await seedTenant(db);
    const tables = (await tablesOf(db)).filter(({ name }) => !untenanted.includes(name));
    const counts = tables
      .map(({ name }) => `select '${name}' as name, count(*)::int as rows from fc.${name}`)
      .join(" union all ");
    const nobody = await db.transaction().execute(async (tx) => {
      await sql`select set_config('role', 'feedback_chat_app', true)`.execute(tx);
      return sql.raw<{ name: string; rows: number }>(counts).execute(tx);
    });
    expect(nobody.rows.filter(({ rows }) => rows > 0)).toEqual([]);
    const everything = await asSystem(db, (tx) => sql.raw<{ name: string; rows: number }>(counts).execute(tx));
    expect(everything.rows.filter(({ rows }) => rows > 0).length).toBeGreaterThan(8);
    for (const table of tables.filter(({ columns }) => columns.includes("project_id"))) {
      const foreign = await asProject(db, mine.projectId, (tx) =>
        sql.raw(`select from fc.${table.name} where project_id = '${other.projectId}'`).execute(tx),
      );
      expect([table.name, foreign.rows.length]).toEqual([table.name, 0]);
    }
    const projects = await asWorkspace(db, mine.workspaceId, (tx) =>
      sql<{ id: string }>`select id from fc.projects`.execute(tx),
    );
    expect(projects.rows).toEqual([{ id: mine.projectId }]);
  });

  it("writes nothing into another tenant", async () => {
    const { db } = database();
    const [mine, other] = [await seedTenant(db), await seedTenant(db)];
    const writing = asProject(db, mine.projectId, (tx) =>
      sql`insert into fc.issues (id, project_id, number, title, author, url, github_updated_at)
        values (gen_random_uuid(), ${other.projectId}, 999, 'x', 'x', 'x', now())`.execute(tx),
    );
    await expect(writing).rejects.toThrow("row-level security");
    const { numAffectedRows } = await asProject(db, mine.projectId, (tx) =>
      sql`update fc.pipeline_runs set branch = 'stolen' where project_id = ${other.projectId}`.execute(tx),
    );
    expect(numAffectedRows).toBe(0n);
  });

  it("refuses a stage that no event leads to, and an event that the machine does not have", async () => {
    const { db } = database();
    const { projectId, runId } = await seedTenant(db);
    const jump = asProject(db, projectId, (tx) =>
      sql`update fc.pipeline_runs set stage = 'deployed', result = 'success', completed_at = now() where id = ${runId}`.execute(
        tx,
      ),
    );
    await expect(jump).rejects.toThrow("no move from queued to deployed");
    const invent = asProject(db, projectId, (tx) =>
      sql`insert into fc.run_events (run_id, seq, project_id, project_seq, from_stage, event, to_stage, attempt, actor)
        values (${runId}, 900, ${projectId}, 900, 'queued', 'published', 'preview_ready', 0, '{}')`.execute(tx),
    );
    await expect(invent).rejects.toThrow("foreign key");
  });

  it("lets nobody change or delete what was recorded", async () => {
    const { db } = database();
    const { projectId } = await seedTenant(db);
    for (const statement of [
      "update fc.run_events set attempt = 9",
      "delete from fc.run_events",
      "delete from fc.audit_logs",
      "update fc.run_logs set message = ''",
    ]) {
      await expect(asProject(db, projectId, (tx) => sql.raw(statement).execute(tx))).rejects.toThrow(
        "permission denied",
      );
    }
  });

  it("case 37: brings a database of an earlier schema on with its data, while its old process goes on reading and writing", async () => {
    await using fresh =
      kind === "embedded"
        ? await openEmbedded(undefined)
        : openServer({ log: quietLog }, { url: await createDatabase(), poolSize: 4 });
    const { db } = fresh;
    // The first migrations are what an earlier release knew.
    const earlier = mkdtempSync(join(tmpdir(), "fc-earlier-"));
    const files = readdirSync(migrationsFolder).filter((name) => name.endsWith(".sql")).toSorted(); // prettier-ignore
    const known = files.filter((name) => name < "0003");
    for (const name of known) cpSync(join(migrationsFolder, name), join(earlier, name));
    expect(await migrate(db, earlier)).toEqual(known);
    rmSync(earlier, { recursive: true });
    // In its words, not through verbs of today.
    const [workspaceId, projectId] = [newId(), newId()];
    await asSystem(db, async (tx) => {
      await sql`insert into fc.workspaces (id, name) values (${workspaceId}, 'Acme')`.execute(tx);
      await sql`insert into fc.projects (id, workspace_id, name, github_repo, webhook_secret)
        values (${projectId}, ${workspaceId}, 'Shop', 'acme/shop', '\\x00')`.execute(tx);
    });

    let isMigrating = true;
    let written = 0;
    const oldProcess = (async () => {
      while (isMigrating || written < 3) {
        await asProject(db, projectId, async (tx) => {
          await sql`select id, name, settings from fc.projects`.execute(tx);
          await sql`update fc.projects set next_seq = next_seq + 1 where id = ${projectId}`.execute(tx);
        });
        written += 1;
      }
    })();
    const applied = await migrate(db).finally(() => (isMigrating = false));
    await oldProcess;
    expect(applied).toEqual(files.filter((name) => name >= "0003"));
    const { rows } = await asProject(db, projectId, (tx) =>
      sql<{ name: string; nextSeq: string; logDays: number }>`
        select name, next_seq as "nextSeq", log_days as "logDays" from fc.projects`.execute(tx),
    );
    expect(rows).toEqual([{ name: "Shop", nextSeq: String(written + 1), logDays: 90 }]);
  });

  it("case 37: migrates once when two start at once, and does nothing the next time", async () => {
    await using fresh =
      kind === "embedded"
        ? await openEmbedded(undefined)
        : openServer({ log: quietLog }, { url: await createDatabase(), poolSize: 4 });
    const both = await Promise.all([migrate(fresh.db), migrate(fresh.db)]);
    const [worked, waited] = both.toSorted((a, b) => b.length - a.length);
    expect(worked?.length).toBeGreaterThan(0);
    expect(waited).toEqual([]);
    expect(await migrate(fresh.db)).toEqual([]);
  });
});

async function seedTenant(db: Db) {
  const workspaceId = await seedWorkspace(db);
  const projectId = await seedProject(db, { workspaceId });
  await seedUser(db, { login: "mia", workspaceId });
  await seedKey(db, { kind: "worker", workspaceId });
  const { runId } = await seedRun(db, { projectId });
  return { workspaceId, projectId, runId };
}
