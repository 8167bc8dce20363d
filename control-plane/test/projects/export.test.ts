import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { notExported, project, projectTables, runs, runTables } from "../../src/exports/export-tables.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedProject, seedRun } from "../support/seed.ts";

type Line = { type: string; row?: Record<string, unknown>; rows?: Record<string, number> };
const linesOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const secret = "sk-ant-canary-0123456789abcdef";

/** A project as its people make it over the API, with something in every table. */
async function fullProject(platform: TestPlatform, me: { token: string; workspaceId: string }) {
  const { token, workspaceId } = me;
  const wanted = { workspaceId: idOf("ws", workspaceId), name: "shop", githubRepo: "acme/shop" };
  const made = (await platform.call("POST", "/v1/projects", { token, body: wanted })).body as {
    project: { id: string };
    apiKey: string;
    webhook: { secret: string };
  };
  const path = `/v1/projects/${made.project.id}`;
  await platform.call("POST", `${path}/credentials`, { token, body: { type: "anthropic_api_key", value: secret } });
  const endpoint = { url: "http://127.0.0.1:9/in" };
  const hook = await platform.call("POST", `${path}/endpoints`, { token, body: endpoint });
  const said = { clientId: "c1", publicText: "The total is wrong", privateText: "call me", reporter: { id: "u1", email: "ann@example.com" } }; // prettier-ignore
  const report = await platform.call("POST", `${path}/feedback`, { token: made.apiKey, body: said });
  return { path, ...made, report, secrets: [secret, made.apiKey, made.webhook.secret, String(hook.body["secret"]), String(report.body["reporterToken"])] }; // prettier-ignore
}

describe.each(kinds)("a project's export, on %s", (kind) => {
  it("holds each row of each table of the project, nobody else's, and nothing that opens something", async () => {
    await using platform = await openTestPlatform({ kind, env: { OUTBOUND_ALLOW: "127.0.0.1" } });
    const me = await platform.person("admin");
    const { db, newId } = platform.deps;
    const full = await fullProject(platform, me);
    expect(full.secrets.every((one) => one.length > 15)).toBe(true);
    const projectId = String(
      (await asSystem(db, (tx) => sql<{ id: string }>`select id from fc.projects`.execute(tx))).rows[0]?.id,
    );
    const seeded = [await seedRun(db, { projectId }), await seedRun(db, { projectId })];
    const lines = 1_203; // more than two pages
    for (const { runId } of seeded)
      await asSystem(db, async (tx) => {
        await sql`insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", message)
          select ${runId}, 100 + n, ${projectId}, 1, n, 'line ' || n from generate_series(1, ${lines}) n`.execute(tx);
        await sql`insert into fc.artifacts (id, run_id, project_id, name, sha256, size_bytes, content)
          select ${newId()}::uuid, ${runId}, ${projectId}, 'diff.patch', '', 4, decode('00ff10aa', 'hex')`.execute(tx);
      });
    const other = await seedProject(db, { workspaceId: me.workspaceId, name: "other" });
    await seedRun(db, { projectId: other, issueNumber: 999 });

    const { status, text, headers } = await platform.call("GET", `${full.path}/export`, { token: me.token });
    expect(status, text.slice(0, 500)).toBe(200);
    expect(headers.get("content-type")).toBe("application/x-ndjson");
    const all = linesOf(text);
    expect(all[0]).toMatchObject({ type: "export", version: 1, projectId: full.project.id });
    const end = all.at(-1);
    expect(end?.type).toBe("end");
    for (const [table, count] of Object.entries(end?.rows ?? {})) {
      expect({ table, count }).toEqual({ table, count: all.filter(({ type }) => type === table).length });
      const idColumn = table === "projects" ? "id" : "project_id";
      const { rows } = await asSystem(db, (tx) =>
        sql<{ count: number }>`select count(*)::int as count from fc.${sql.ref(table)} where ${sql.ref(idColumn)} = ${projectId}`.execute(tx),
      ); // prettier-ignore
      expect({ table, count }).toEqual({ table, count: rows[0]?.count });
    }
    expect(end?.rows).toMatchObject({ pipeline_runs: 2, run_logs: 2 * lines, artifacts: 2, credentials: 1, endpoints: 1, feedback: 1 }); // prettier-ignore
    expect(all.find(({ type }) => type === "artifacts")?.row).toMatchObject({ content: "\\x00ff10aa" });
    expect(all.find(({ type }) => type === "feedback")?.row).toMatchObject({ private_text: "call me" });
    expect(text).not.toContain(other);
    const made = all.find(({ type, row }) => type === "audit_logs" && row?.["action"] === "project.created");
    expect(made?.row).toMatchObject({ actor: { kind: "user", id: idOf("usr", me.userId) } });
    expect(all.find(({ type }) => type === "run_events")?.row).toMatchObject({ actor: { kind: "system", id: null } });

    for (const one of full.secrets) expect(text).not.toContain(one);
    const { rows: sealed } = await asSystem(db, (tx) =>
      sql<{ hex: string }>`
        select encode(encrypted_value, 'hex') as hex from fc.credentials union all select encode(wrapped_dek, 'hex') from fc.credentials
        union all select encode(webhook_secret, 'hex') from fc.projects union all select encode(secret, 'hex') from fc.endpoints
        union all select encode(key_hash, 'hex') from fc.api_keys union all select encode(token_hash, 'hex') from fc.reporter_tokens`.execute(tx),
    ); // prettier-ignore
    expect(sealed.length).toBeGreaterThan(5);
    for (const { hex } of sealed) expect(text).not.toContain(hex);
    const audited = await asSystem(db, (tx) =>
      sql`select from fc.audit_logs where action = 'project.exported'`.execute(tx),
    );
    expect(audited.rows).toHaveLength(1);
  });
});

it("names every table that has a project's rows: a new one is exported, or left out on purpose", async () => {
  await using platform = await openTestPlatform();
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.columns where table_schema = 'fc' and column_name = 'project_id'
    order by 1`.execute(platform.deps.db);
  const named = [...projectTables, ...runTables, runs].map(({ table }) => table);
  expect([...named, ...notExported].toSorted()).toEqual(rows.map(({ name }) => name));
  expect(project.table).toBe("projects");
  // What is sealed or hashed is kept back, wherever it lies.
  const { rows: bytes } = await sql<{ name: string; column: string }>`
    select table_name as name, column_name as column from information_schema.columns
    where table_schema = 'fc' and data_type = 'bytea' order by 1, 2`.execute(platform.deps.db);
  const harmless = ["artifacts.content", "artifacts.sha256", "blocked_reporters.reporter_hash", "conversations.reporter_hash", "feedback.reporter_hash", "webhook_events.body", "webhook_events.body_sha256", "webhook_events.meaning"]; // prettier-ignore
  const tables = [project, runs, ...projectTables, ...runTables];
  const shown = bytes.flatMap(({ name, column }) => {
    const table = tables.find((one) => one.table === name);
    return table && !table.keptBack?.includes(column) ? [`${name}.${column}`] : [];
  });
  expect(shown).toEqual(harmless);
});

it("sends an export of 60 MB while its reader takes its time, without holding it in memory, and stops when they may not read on", async () => {
  await using platform = await openTestPlatform();
  const me = await platform.person("admin");
  const { db } = platform.deps;
  const projectId = await seedProject(db, { workspaceId: me.workspaceId });
  const { runId } = await seedRun(db, { projectId });
  await asSystem(db, (tx) =>
    sql`insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", message)
      select ${runId}, 100 + n, ${projectId}, 1, n, repeat('x', 2000) from generate_series(1, 30000) n`.execute(tx),
  );
  const address = `http://localhost/v1/projects/${idOf("prj", projectId)}/export`;
  const ask = () => platform.app.request(address, { headers: { authorization: `Bearer ${me.token}` } });
  let bytes = 0;
  let most = 0;
  const before = process.memoryUsage().rss;
  for await (const chunk of (await ask()).body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    most = Math.max(most, process.memoryUsage().rss - before);
  }
  expect(bytes).toBeGreaterThan(60_000_000);
  expect(most).toBeLessThan(150_000_000);

  const reader = (await ask()).body?.getReader();
  await reader?.read();
  await asSystem(db, (tx) => sql`update fc.api_keys set revoked_at = now()`.execute(tx));
  const rest = async () => {
    for (let isDone = false; !isDone;) isDone = (await reader?.read())?.done ?? true;
  };
  await expect(rest()).rejects.toThrow();
}, 60_000);
