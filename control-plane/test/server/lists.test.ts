import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { expect, it } from "vitest";
import * as z from "zod";
import { routes } from "../../src/app.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedUser, seedWorkspace } from "../support/seed.ts";

const page = z.object({ items: z.array(z.looseObject({})), nextCursor: z.string().nullable() });
const lists = routes.filter(({ answer }) => answer instanceof z.ZodObject && "nextCursor" in answer.shape);

/** Adds one row to each list that this test walks, and tells the lists by the path of their route. */
async function openScene(platform: TestPlatform) {
  const { db } = platform.deps;
  const { token, workspaceId, userId } = await platform.person("owner");
  const projectId = await seedProject(db, { workspaceId });
  const types = ["anthropic_api_key", "claude_oauth", "github_token"];
  const add: Record<string, () => Promise<unknown>> = {
    "/v1/projects/:projectId/keys": () => seedKey(db, { kind: "project", workspaceId, projectId }),
    "/v1/workspaces/:workspaceId/worker-keys": () => seedKey(db, { kind: "worker", workspaceId }),
    "/v1/cli-tokens": () => seedKey(db, { kind: "user", userId }),
    "/v1/workspaces/:workspaceId/invites": () => invite(platform, workspaceId),
    "/v1/workspaces/:workspaceId/workers": () => worker(platform, workspaceId),
    "/v1/projects/:projectId/credentials": () => credential(platform, projectId, types.pop() ?? ""),
    "/v1/projects/:projectId/endpoints": () => endpoint(platform, projectId),
    "/v1/workspaces/:workspaceId/members": () => seedUser(db, { login: "m", workspaceId }),
    "/v1/workspaces": async () => join(platform, userId, await seedWorkspace(db)),
  };
  const pathOf = (route: string) =>
    route.replace(":projectId", idOf("prj", projectId)).replace(":workspaceId", idOf("ws", workspaceId));
  return { token, add, pathOf };
}

const write = ({ deps }: TestPlatform, statement: ReturnType<typeof sql>) =>
  asSystem(deps.db, (tx) => statement.execute(tx));
const invite = (platform: TestPlatform, workspaceId: string) =>
  write(platform, sql`insert into fc.invites (id, workspace_id, email, role, token_hash, expires_at)
    select id, ${workspaceId}, id || '@example.com', 'viewer', decode(replace(id::text, '-', ''), 'hex'), now() + interval '1 day'
    from (select ${newId()}::uuid as id) made`); // prettier-ignore
const worker = (platform: TestPlatform, workspaceId: string) =>
  write(platform, sql`insert into fc.workers (id, workspace_id, name, version, capabilities, public_key, concurrency)
    values (${newId()}, ${workspaceId}, 'w', '0.1.0', '{}', '', 1)`); // prettier-ignore
const credential = (platform: TestPlatform, projectId: string, type: string) =>
  write(platform, sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
    values (${newId()}, ${projectId}, ${type}, '', '', '', '')`); // prettier-ignore
const endpoint = (platform: TestPlatform, projectId: string) =>
  write(platform, sql`insert into fc.endpoints (id, project_id, url, secret) values (${newId()}, ${projectId}, 'https://203.0.113.9', '')`); // prettier-ignore
const join = (platform: TestPlatform, userId: string, workspaceId: string) =>
  write(platform, sql`insert into fc.workspace_members (workspace_id, user_id, role) values (${workspaceId}, ${userId}, 'owner')`); // prettier-ignore

it("takes `limit` and `cursor` at every list of the table of routes", () => {
  expect(lists.length).toBeGreaterThan(15);
  for (const { path, query, problems } of lists) {
    const names = query instanceof z.ZodObject ? Object.keys(query.shape) : [];
    expect({ path, names }).toEqual({ path, names: expect.arrayContaining(["limit", "cursor"]) as string[] });
    expect({ path, problems }).toEqual({ path, problems: expect.arrayContaining(["invalid_cursor"]) as string[] });
  }
});

it("case 32: pages each list newest first, none twice though one is added meanwhile, by its own cursor alone", async () => {
  await using platform = await openTestPlatform();
  const { token, add, pathOf } = await openScene(platform);
  let foreign = "";
  for (const [route, addOne] of Object.entries(add)) {
    expect(lists.map(({ path }) => path)).toContain(route);
    const path = pathOf(route);
    const ask = async (query: string) => platform.call("GET", `${path}?${query}`, { token });
    const read = async (query: string) => page.parse((await ask(query)).body);
    await addOne();
    await addOne();
    const before = (await read("limit=100")).items;
    expect(before.length, route).toBeGreaterThanOrEqual(2);
    const first = await read("limit=1");
    expect(first.items).toEqual(before.slice(0, 1));
    await addOne();
    const rest = await read(`limit=100&cursor=${first.nextCursor}`);
    expect({ route, ...rest }).toEqual({ route, items: before.slice(1), nextCursor: null });
    for (const wrong of [`${first.nextCursor}x`, foreign || "x"])
      expect((await ask(`cursor=${wrong}`)).body, route).toMatchObject({ status: 400, code: "invalid_cursor" });
    expect((await ask("limit=101")).status).toBe(400);
    foreign = first.nextCursor ?? "";
  }
});

it("refuses a time that no calendar has, instead of breaking in the database", async () => {
  await using platform = await openTestPlatform();
  const { token, workspaceId } = await platform.person("owner");
  const projectId = idOf("prj", await seedProject(platform.deps.db, { workspaceId }));
  for (const path of [
    `/api/runs/${projectId}?since=0000-01-01T00:00:00Z`,
    `/v1/projects/${projectId}/usage?from=0000-01-01`,
  ])
    expect((await platform.call("GET", path, { token })).body).toMatchObject({ status: 400, code: "invalid_request" });
});
