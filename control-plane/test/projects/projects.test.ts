import { uuidOf } from "@feedback-chat/protocol/ids";
import { createProjectAnswer, project as projectShape, projectPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { webhookSecretsOf } from "../../src/projects/webhook-secrets.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedRun } from "../support/seed.ts";

const shop = { name: "Shop", githubRepo: "acme/shop" };
const create = (platform: TestPlatform, token: string, body: object = shop, headers = {}) =>
  platform.call("POST", "/v1/projects", { token, body, headers });

describe.each(kinds)("projects on the %s database", (kind) => {
  it("case 33: are made once, though one Idempotency-Key comes ten times at once", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    const headers = { "idempotency-key": "k1" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(platform, token, shop, headers)));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1);
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const later = await create(platform, token, shop, headers);
    expect(later.text).toBe(answers.find(({ status }) => status === 201)?.text);
    expect(projectPage.parse((await platform.call("GET", "/v1/projects", { token })).body).items).toHaveLength(1);
    const other = await create(platform, token, { ...shop, name: "Other" }, headers);
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_mismatch" } });
  });

  it("case 33: are one, when the server died after making it and before keeping the answer", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    const headers = { "idempotency-key": "k2" };
    expect((await create(platform, token, shop, headers)).status).toBe(201);
    // As the dead server left it: the claim of the key, and no answer.
    const died = (minutesAgo: number) =>
      asSystem(platform.deps.db, (tx) =>
        sql`update fc.idempotency_keys set status = null, answer = null, created_at = now() - make_interval(mins => ${minutesAgo})`.execute(
          tx,
        ),
      );
    await died(0);
    const soon = await create(platform, token, shop, headers);
    expect(soon).toMatchObject({ status: 409, body: { code: "idempotency_in_progress" } });
    await died(2);
    const later = await create(platform, token, shop, headers);
    expect(later).toMatchObject({ status: 409, body: { code: "name_taken" } });
    const { items } = projectPage.parse((await platform.call("GET", "/v1/projects", { token })).body);
    expect(items.map(({ name }) => name)).toEqual([shop.name]);
  });

  it("keep what a change leaves out, and each name once", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    const made = createProjectAnswer.parse(
      (await create(platform, token, { ...shop, settings: { maxTurns: 7 } })).body,
    );
    const path = `/v1/projects/${made.project.id}`;
    const changed = await platform.call("PATCH", path, {
      token,
      body: { isPaused: true, settings: { publish: "auto" } },
    });
    expect(projectShape.parse(changed.body)).toMatchObject({
      name: "Shop", isPaused: true, settings: { publish: "auto", maxTurns: 7, budgetMinutes: 20 },
    }); // prettier-ignore
    expect(await create(platform, token, { ...shop, name: "shop" })).toMatchObject({
      status: 409,
      body: { code: "name_taken" },
    });
    await create(platform, token, { ...shop, name: "Two" });
    expect((await platform.call("PATCH", path, { token, body: { name: "two" } })).status).toBe(409);
    expect((await platform.call("PATCH", path, { token, body: { naem: "x" } })).status).toBe(422);
  });

  it("are listed by pages, newest first, none twice", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    for (const name of ["a", "b", "c"]) await create(platform, token, { ...shop, name });
    const first = projectPage.parse((await platform.call("GET", "/v1/projects?limit=2", { token })).body);
    const rest = projectPage.parse(
      (await platform.call("GET", `/v1/projects?limit=2&cursor=${first.nextCursor}`, { token })).body,
    );
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(["c", "b", "a"]);
    expect(rest.nextCursor).toBeNull();
    expect(await platform.call("GET", "/v1/projects?cursor=x", { token })).toMatchObject({
      status: 400,
      body: { code: "invalid_cursor" },
    });
  });

  it("case 36: die at once with their keys, their credentials and what ran", async () => {
    await using platform = await openTestPlatform({ kind });
    const { token } = await platform.person("admin");
    const { project, apiKey } = createProjectAnswer.parse((await create(platform, token)).body);
    const projectId = uuidOf("prj", project.id);
    const { runId } = await seedRun(platform.deps.db, { projectId });
    const path = `/v1/projects/${project.id}`;
    await platform.call("POST", `${path}/credentials`, {
      token,
      body: { type: "anthropic_api_key", value: "sk-ant-1" },
    });
    expect((await platform.call("DELETE", path, { token })).status).toBe(204);
    expect((await platform.call("GET", path, { token })).status).toBe(404);
    expect((await platform.call("GET", `/api/agent/${project.id}/health`, { token: apiKey })).status).toBe(401);
    const { rows } = await asProject(platform.deps.db, projectId, (tx) =>
      sql`select r.stage, r.reason, (select count(*)::int from fc.credentials) as credentials
        from fc.pipeline_runs r where r.id = ${runId}`.execute(tx),
    );
    expect(rows).toEqual([{ stage: "failed", reason: "project_deleted", credentials: 0 }]);
    expect((await create(platform, token)).status).toBe(201); // the name is free again
  });
});

it("signs webhooks with both secrets while the grace of a rotation lasts, and rotates no second time before its end", async () => {
  await using platform = await openTestPlatform();
  const { token } = await platform.person("admin");
  const { project, webhook } = createProjectAnswer.parse((await create(platform, token)).body);
  const path = `/v1/projects/${project.id}/webhook-secret/rotate`;
  const rotate = (graceHours: number) => platform.call("POST", path, { token, body: { graceHours } });
  const id = uuidOf("prj", project.id);
  const secrets = async () => {
    const { rows } = await asProject(platform.deps.db, id, (tx) =>
      sql<{ id: string; secret: Buffer; previousSecret: Buffer | null }>`
        select id, webhook_secret as secret,
          case when webhook_secret_previous_until > now() then webhook_secret_previous end as "previousSecret"
        from fc.projects where id = ${id}`.execute(tx),
    );
    return webhookSecretsOf(platform.deps, rows[0]!);
  };
  const both = await Promise.all([rotate(2), rotate(2)]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  const rotated = both.find(({ status }) => status === 200)!.body["secret"];
  expect(await secrets()).toEqual([rotated, webhook.secret]);
  expect(await rotate(2)).toMatchObject({ status: 409, body: { code: "conflict", next: expect.stringContaining("graceHours 0") } }); // prettier-ignore
  expect(await secrets()).toEqual([rotated, webhook.secret]);
  // A secret that leaked: every older one ends.
  const fresh = await rotate(0);
  expect(await secrets()).toEqual([fresh.body["secret"]]);
  expect((await rotate(2)).status).toBe(200);
});
