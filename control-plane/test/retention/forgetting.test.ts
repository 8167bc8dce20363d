import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { queueNotices } from "../../src/notices/queue-notices.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import type { Db } from "../../src/platform/database.ts";
import { tellReporters } from "../../src/reports/tell-reporters.ts";
import { forgetOld } from "../../src/retention/forget-old.ts";
import { startForgetting } from "../../src/retention/start-forgetting.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedRun } from "../support/seed.ts";
import { signInOwner } from "../support/sign-in.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const forget = ({ deps }: TestPlatform) => forgetOld(deps, never);

/** How many rows of each table are of this project, whatever the table: the catalogue names them. */
async function rowsOf(db: Db, projectId: string): Promise<Record<string, number>> {
  return asSystem(db, async (tx) => {
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.columns
      where table_schema = 'fc' and column_name = 'project_id' order by 1`.execute(tx);
    const counts: Record<string, number> = {};
    for (const { name } of tables.rows) {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from ${sql.table(`fc.${name}`)} where project_id = ${projectId}`.execute(tx);
      if (rows[0]?.count) counts[name] = rows[0].count;
    }
    return counts;
  });
}

async function makeProject(platform: TestPlatform, name: string, headers: Record<string, string> = {}) {
  const { token, workspaceId } = await platform.person("owner");
  const body = { workspaceId: idOf("ws", workspaceId), name, githubRepo: `acme/${name}` };
  const { project } = (await platform.call("POST", "/v1/projects", { token, body, headers })).body as {
    project: { id: string };
  };
  return { token, workspaceId, path: `/v1/projects/${project.id}`, projectId: uuidOf("prj", project.id) };
}

/** A job at work, as a worker that has it sees it. */
async function lease(platform: TestPlatform, { workspaceId, projectId }: { workspaceId: string; projectId: string }) {
  const { key } = await seedKey(platform.deps.db, { workspaceId, kind: "worker" });
  const worker = { name: "w", version: "0.1.0", capabilities: { engines: ["command"], sandbox: "bubblewrap", localCredentials: [] }, publicKey: Buffer.alloc(32, 7).toString("base64url"), concurrency: 1 }; // prettier-ignore
  const registered = await platform.call("POST", "/v1/workers", { token: key, body: worker });
  expect(registered.status, registered.text).toBe(201);
  await seedRun(platform.deps.db, { projectId });
  const body = { workerId: registered.body["workerId"], claimId: platform.deps.newId(), waitS: 0 };
  const claimed = await platform.call("POST", "/v1/jobs/claim", { token: key, body });
  const held = claimed.body["lease"] as { jobId: string; attempt: number; token: string };
  const headers = { lease: `${held.attempt}.${held.token}` };
  return (route: string, ask: object) =>
    platform.call("POST", `/v1/jobs/${held.jobId}/${route}`, { token: key, headers, body: ask });
}

const line = { at: new Date().toISOString(), level: "info", message: "a line" };

describe.each(kinds)("what is kept, on %s", (kind) => {
  it("case 36: a project deleted during a run fences its worker, and its purge leaves audit rows alone", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db } = platform.deps;
    const made = await makeProject(platform, "shop");
    const other = await makeProject(platform, "other");
    const onJob = await lease(platform, made);
    expect((await onJob("logs", { offset: 0, lines: [line] })).status).toBe(200);
    const { token, path, projectId } = made;
    await platform.call("POST", `${path}/credentials`, {
      token,
      body: { type: "anthropic_api_key", value: "sk-ant-1" },
    });
    expect((await platform.call("DELETE", path, { token })).status).toBe(204);
    expect((await onJob("renew", { waitS: 0 })).status).toBe(404);
    expect((await onJob("logs", { offset: 1, lines: [line] })).status).toBe(404);
    expect((await onJob("credentials", { purpose: "model" })).status).toBe(404);

    await forget(platform);
    expect(await rowsOf(db, projectId)).toHaveProperty("pipeline_runs", 1);
    await asSystem(db, (tx) =>
      sql`update fc.projects set deleted_at = now() - interval '8 days' where id = ${projectId}`.execute(tx),
    );
    const before = await rowsOf(db, other.projectId);
    await forget(platform);
    expect(Object.keys(await rowsOf(db, projectId))).toEqual(["audit_logs"]);
    expect(await rowsOf(db, other.projectId)).toEqual(before);
  });

  it("case 36: takes the mails about a project and the kept answers with its secrets along with it", async () => {
    await using platform = await openTestPlatform({ kind, env: { SMTP_URL: "smtp://127.0.0.1:9", MAIL_FROM: "bot@example.com" } }); // prettier-ignore
    const { db, newId } = platform.deps;
    const keyed = { "idempotency-key": "once" };
    const { token, workspaceId, projectId, path } = await makeProject(platform, "shop", keyed);
    const other = await makeProject(platform, "other", keyed);
    const key = { name: "another", scopes: ["runs:read"] };
    expect((await platform.call("POST", `${path}/keys`, { token, body: key, headers: keyed })).status).toBe(201);
    for (const about of [projectId, other.projectId]) {
      const { runId } = await seedRun(db, { projectId: about });
      const standing = {
        projectId: about,
        projectName: "shop",
        runId,
        issueNumber: 1,
        standing: runId,
        reason: null,
        endsAt: null,
      };
      await asSystem(db, async (tx) => {
        await queueNotices(tx, platform.deps, [{ ...standing, workspaceId: about === projectId ? workspaceId : other.workspaceId, kind: "notice_held" }]);
        await sql`insert into fc.feedback (id, project_id, channel, public_text, reporter_email, issue_id)
          select ${newId()}, ${about}, 'api', 'broken', 'reporter@example.com', issue_id from fc.pipeline_runs where id = ${runId}`.execute(tx);
      }); // prettier-ignore
      const move = { projectId: about, runId, stage: "deployed", isQuestion: false } as const;
      expect(await tellReporters(platform.deps, move)).toBeNull();
    }
    const kept = async () => {
      const rows = await rowsOf(db, projectId);
      return { mails: rows["mails"], answers: rows["idempotency_keys"] };
    };
    expect(await kept()).toEqual({ mails: 2, answers: 2 });
    await platform.call("DELETE", `${path}?purge=now`, { token });
    await forget(platform);
    expect(await kept()).toEqual({ mails: undefined, answers: undefined });
    const { rows } = await asSystem(db, (tx) => sql<{ id: string }>`select project_id as id from fc.mails`.execute(tx));
    expect(rows.map(({ id }) => id)).toEqual([other.projectId, other.projectId]);
    expect((await rowsOf(db, other.projectId))["idempotency_keys"]).toBe(1);
  });

  it("begins to go at the moment in which an owner says so, not at the next hour", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token, path, projectId } = await makeProject(platform, "shop");
    const forgetting = startForgetting(platform.deps);
    await using _ = { [Symbol.asyncDispose]: () => forgetting.stop() };
    const hasRows = async () => {
      const { rows } = await asSystem(platform.deps.db, (tx) =>
        sql`select from fc.projects where id = ${projectId}`.execute(tx),
      );
      return rows.length > 0;
    };
    expect(await hasRows()).toBe(true);
    expect((await platform.call("DELETE", `${path}?purge=now`, { token })).status).toBe(204);
    await until(async () => !(await hasRows()));
  });

  it("goes at once where an owner says so, and only then", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token, workspaceId, path, projectId } = await makeProject(platform, "shop");
    const admin = await platform.person("admin", workspaceId);
    const refused = await platform.call("DELETE", `${path}?purge=now`, { token: admin.token });
    expect(refused).toMatchObject({ status: 403, body: { next: expect.stringContaining("seven days") } });
    expect((await platform.call("GET", path, { token })).status).toBe(200);
    expect((await platform.call("DELETE", `${path}?purge=now`, { token })).status).toBe(204);
    await forget(platform);
    expect(Object.keys(await rowsOf(platform.deps.db, projectId))).toEqual(["audit_logs"]);
  });

  it("is log lines for as many days as the project says, which nobody else can remove", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db } = platform.deps;
    const made = await makeProject(platform, "shop");
    const changed = await platform.call("PATCH", made.path, { token: made.token, body: { logDays: 10, privateDays: 20, maxConcurrentRuns: 3 } }); // prettier-ignore
    expect(changed.body).toMatchObject({ logDays: 10, privateDays: 20, maxConcurrentRuns: 3 });
    const onJob = await lease(platform, made);
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
    const lines = [12, 11, 9, 0].map((days) => ({ ...line, at: daysAgo(days), message: `${days} days` }));
    await onJob("logs", { offset: 0, lines });
    await asSystem(db, (tx) =>
      sql`insert into fc.feedback (id, project_id, channel, public_text, private_text, reporter_email, created_at) values
        (${platform.deps.newId()}, ${made.projectId}, 'api', 'old', null, 'r@example.com', ${daysAgo(21)}::timestamptz),
        (${platform.deps.newId()}, ${made.projectId}, 'api', 'new', 'secret', 'r@example.com', ${daysAgo(19)}::timestamptz)`.execute(
        tx,
      ),
    );
    await forget(platform);
    const kept = await asSystem(db, (tx) => sql`select message from fc.run_logs order by seq`.execute(tx));
    expect(kept.rows).toEqual([{ message: "9 days" }, { message: "0 days" }]);
    const texts = await asSystem(db, (tx) =>
      sql`select public_text, private_text, reporter_email from fc.feedback order by created_at`.execute(tx),
    );
    expect(texts.rows).toEqual([
      { public_text: "old", private_text: null, reporter_email: null },
      { public_text: "new", private_text: "secret", reporter_email: "r@example.com" },
    ]);
    const direct = asSystem(db, (tx) => sql`delete from fc.run_logs`.execute(tx));
    await expect(direct).rejects.toThrow(/permission denied/);
  });

  it("is a webhook's body for 30 days, and what became of it for good", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db, newId } = platform.deps;
    const { projectId } = await makeProject(platform, "shop");
    await asSystem(db, (tx) =>
      sql`insert into fc.webhook_events (id, project_id, guid, event, body_sha256, status, body, created_at) values
        (${newId()}, ${projectId}, 'old', 'issues', '', 'queued', '{}', now() - interval '31 days'),
        (${newId()}, ${projectId}, 'new', 'issues', '', 'queued', '{}', now() - interval '29 days')`.execute(tx),
    );
    await forget(platform);
    const kept = await asSystem(db, (tx) =>
      sql`select guid, status, body is not null as "hasBody" from fc.webhook_events order by created_at`.execute(tx),
    );
    expect(kept.rows).toEqual([
      { guid: "old", status: "queued", hasBody: false },
      { guid: "new", status: "queued", hasBody: true },
    ]);
  });

  it("is what was done outside and an invite that nobody took for 30 days, a wrong password for one", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db, newId } = platform.deps;
    const { projectId, workspaceId } = await makeProject(platform, "shop");
    await asSystem(db, async (tx) => {
      await sql`insert into fc.outbox (id, project_id, kind, payload, done_at, created_at) values
        (${newId()}, ${projectId}, 'done long ago', '{}', now() - interval '31 days', now() - interval '31 days'),
        (${newId()}, ${projectId}, 'done lately', '{}', now() - interval '29 days', now() - interval '29 days'),
        (${newId()}, ${projectId}, 'still to do', '{}', null, now() - interval '31 days')`.execute(tx);
      await sql`insert into fc.invites (id, workspace_id, email, role, token_hash, expires_at, accepted_at) values
        (${newId()}, ${workspaceId}, 'over@example.com', 'member', 'a', now() - interval '31 days', null),
        (${newId()}, ${workspaceId}, 'taken@example.com', 'member', 'b', now() - interval '31 days', now() - interval '32 days'),
        (${newId()}, ${workspaceId}, 'open@example.com', 'member', 'c', now() + interval '1 day', null)`.execute(tx);
      await sql`insert into fc.login_failures (key, failures, last_at) values ('old', 5, now() - interval '25 hours'), ('new', 5, now())`.execute(tx); // prettier-ignore
    });
    await forget(platform);
    const left = await asSystem(db, (tx) =>
      sql<{ name: string }>`select kind as name from fc.outbox union all select email from fc.invites
        union all select encode(key, 'escape') from fc.login_failures order by 1`.execute(tx),
    );
    expect(left.rows.map(({ name }) => name)).toEqual(["done lately", "new", "open@example.com", "still to do", "taken@example.com"]); // prettier-ignore
  });

  it("is a session, with the address that it came from, until it is over", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db } = platform.deps;
    await signInOwner(platform);
    const other = await signInOwner(platform);
    const sessions = async () => (await sql`select from auth.session`.execute(db)).rows.length;
    const before = await sessions();
    await sql`update auth.session set "expiresAt" = now() - interval '1 second' where id = (select min(id) from auth.session)`.execute(db); // prettier-ignore
    await sql`update auth."rateLimit" set "lastRequest" = 0`.execute(db);
    const forgetting = startForgetting(platform.deps);
    await using _ = { [Symbol.asyncDispose]: () => forgetting.stop() };
    await until(async () => (await sessions()) === before - 1);
    await until(async () => (await sql`select from auth."rateLimit"`.execute(db)).rows.length === 0);
    expect((await platform.call("GET", "/v1/me", { headers: other })).status).toBe(200);
  });
});
