import { idOf } from "@feedback-chat/protocol/ids";
import { memberPage, workspace } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedProject } from "../support/seed.ts";

const pathOf = ({ workspaceId }: { workspaceId: string }) => `/v1/workspaces/${idOf("ws", workspaceId)}`;
const memberOf = (one: { workspaceId: string; userId: string }) => `${pathOf(one)}/members/${idOf("usr", one.userId)}`;

async function rolesIn({ deps }: TestPlatform, workspaceId: string): Promise<string[]> {
  const { rows } = await asSystem(deps.db, (tx) =>
    sql<{
      role: string;
    }>`select role from fc.workspace_members where workspace_id = ${workspaceId} order by role`.execute(tx),
  );
  return rows.map(({ role }) => role);
}

async function auditedIn({ deps }: TestPlatform, workspaceId: string): Promise<string[]> {
  const { rows } = await asSystem(deps.db, (tx) =>
    sql<{ action: string }>`select action from fc.audit_logs where workspace_id = ${workspaceId} order by id`.execute(
      tx,
    ),
  );
  return rows.map(({ action }) => action);
}

it("makes a workspace of the caller's own, once per Idempotency-Key, renames and deletes it", async () => {
  await using platform = await openTestPlatform();
  const { token } = await platform.person("viewer");
  const make = () =>
    platform.call("POST", "/v1/workspaces", { token, body: { name: "Mine" }, headers: { "idempotency-key": "k" } });
  const made = workspace.parse((await make()).body);
  expect(made).toMatchObject({ name: "Mine", role: "owner" });
  expect((await make()).body).toEqual(made);
  const path = `/v1/workspaces/${made.id}`;
  expect((await platform.call("PATCH", path, { token, body: { name: "Ours" } })).body).toMatchObject({ name: "Ours" });
  expect((await platform.call("GET", path, { token })).body).toEqual({ ...made, name: "Ours" });
  expect((await platform.call("GET", "/v1/workspaces", { token })).body["items"]).toContainEqual({
    ...made,
    name: "Ours",
  });
  expect((await platform.call("DELETE", path, { token })).status).toBe(204);
  expect((await platform.call("GET", path, { token })).status).toBe(404);
});

it("deletes no workspace that has projects", async () => {
  await using platform = await openTestPlatform();
  const owner = await platform.person("owner");
  await seedProject(platform.deps.db, { workspaceId: owner.workspaceId });
  const refused = await platform.call("DELETE", pathOf(owner), { token: owner.token });
  expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
  await asSystem(platform.deps.db, (tx) => sql`update fc.projects set deleted_at = now()`.execute(tx));
  expect((await platform.call("DELETE", pathOf(owner), { token: owner.token })).status).toBe(204);
  expect(await auditedIn(platform, owner.workspaceId)).toContain("workspace.deleted");
});

it("lists members page by page, to each member", async () => {
  await using platform = await openTestPlatform();
  const { workspaceId, token } = await platform.person("viewer");
  for (const role of ["owner", "admin", "member"] as const) await platform.person(role, workspaceId);
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const after: string = cursor && `&cursor=${cursor}`;
    const { body } = await platform.call("GET", `${pathOf({ workspaceId })}/members?limit=3${after}`, { token });
    const page = memberPage.parse(body);
    seen.push(...page.items.map(({ role }) => role));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(["member", "admin", "owner", "viewer"]);
  const wrong = await platform.call("GET", `${pathOf({ workspaceId })}/members?cursor=ws_x`, { token });
  expect(wrong).toMatchObject({ status: 400, body: { code: "invalid_cursor" } });
});

it("changes and removes members, whose rights end with their next request", async () => {
  await using platform = await openTestPlatform();
  const admin = await platform.person("admin");
  const member = await platform.person("member", admin.workspaceId);
  const change = (role: string) => platform.call("PATCH", memberOf(member), { token: admin.token, body: { role } });
  expect((await change("viewer")).status).toBe(204);
  expect((await change("viewer")).status).toBe(204);
  expect((await platform.call("GET", pathOf(member), { token: member.token })).body).toMatchObject({ role: "viewer" });
  expect((await change("emperor")).status).toBe(422);
  expect((await platform.call("DELETE", memberOf(member), { token: admin.token })).status).toBe(204);
  expect((await platform.call("GET", pathOf(member), { token: member.token })).status).toBe(404);
  expect((await platform.call("DELETE", memberOf(member), { token: admin.token })).status).toBe(404);
  expect(await auditedIn(platform, admin.workspaceId)).toEqual([
    "member.made_viewer",
    "member.made_viewer",
    "member.removed",
  ]);
});

it("finds nobody of another workspace", async () => {
  await using platform = await openTestPlatform();
  const [owner, stranger] = [await platform.person("owner"), await platform.person("member")];
  const path = memberOf({ ...stranger, workspaceId: owner.workspaceId });
  for (const [method, body] of [
    ["PATCH", { role: "viewer" }],
    ["DELETE", undefined],
  ] as const)
    expect((await platform.call(method, path, { token: owner.token, body })).status).toBe(404);
  expect(await rolesIn(platform, stranger.workspaceId)).toEqual(["member"]);
});

it("lets only owners touch owners, and keeps the last one", async () => {
  await using platform = await openTestPlatform();
  const owner = await platform.person("owner");
  const admin = await platform.person("admin", owner.workspaceId);
  const demote = (token: string) => platform.call("PATCH", memberOf(owner), { token, body: { role: "member" } });
  expect((await demote(admin.token)).status).toBe(403);
  expect((await platform.call("DELETE", memberOf(owner), { token: admin.token })).status).toBe(403);
  expect((await platform.call("PATCH", memberOf(admin), { token: admin.token, body: { role: "owner" } })).status).toBe(
    403,
  );
  expect(await demote(owner.token)).toMatchObject({ status: 409, body: { code: "last_owner" } });
  expect(await platform.call("DELETE", memberOf(owner), { token: owner.token })).toMatchObject({ status: 409 });
  await platform.call("PATCH", memberOf(admin), { token: owner.token, body: { role: "owner" } });
  expect((await demote(owner.token)).status).toBe(204);
  expect(await rolesIn(platform, owner.workspaceId)).toEqual(["member", "owner"]);
});

describe.each(kinds)("on the %s database", (kind) => {
  it("case 22: of two owners who demote each other at once, one stays", async () => {
    await using platform = await openTestPlatform({ kind });
    for (let round = 0; round < 5; round += 1) {
      const ann = await platform.person("owner");
      const bo = await platform.person("owner", ann.workspaceId);
      const answers = await Promise.all([
        platform.call("PATCH", memberOf(bo), { token: ann.token, body: { role: "viewer" } }),
        platform.call("PATCH", memberOf(ann), { token: bo.token, body: { role: "viewer" } }),
      ]);
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 403]);
      expect(await rolesIn(platform, ann.workspaceId)).toEqual(["owner", "viewer"]);
    }
  });
});
