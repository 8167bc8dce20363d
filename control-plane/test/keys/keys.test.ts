import { idOf } from "@feedback-chat/protocol/ids";
import { createdKey, keyPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

async function workerKey() {
  const { token, workspaceId } = await platform.person("admin");
  const path = `/v1/workspaces/${idOf("ws", workspaceId)}/worker-keys`;
  const { body, status } = await platform.call("POST", path, { token, body: { name: "laptop" } });
  expect(status).toBe(201);
  return { ...createdKey.parse(body), token, path };
}
const register = {
  name: "w",
  version: "0.1.0",
  capabilities: { engines: [], sandbox: "none" },
  publicKey: "",
};
/** Tells whether a key counts: its body is refused, or the key is. */
const tryKey = (key: string) =>
  platform.call("POST", "/v1/workers", { token: key, body: { ...register, concurrency: 0 } });

it("shows a key once and its prefix in the list", async () => {
  const { key, prefix, token, path } = await workerKey();
  expect(key).toMatch(/^fcw_[0-9A-Za-z]{38}$/);
  const list = await platform.call("GET", path, { token });
  expect(keyPage.parse(list.body).items).toMatchObject([{ prefix, name: "laptop", revokedAt: null }]);
  expect(list.text).not.toContain(key);
});

it("case 23: refuses a revoked key at its very next request, and any key that is not ours", async () => {
  const { key, id, token } = await workerKey();
  expect((await tryKey(key)).status).toBe(422);
  expect((await platform.call("DELETE", `/v1/keys/${id}`, { token })).status).toBe(204);
  expect(await tryKey(key)).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  expect((await platform.call("DELETE", `/v1/keys/${id}`, { token })).status).toBe(204);
  const last = key.endsWith("0") ? "1" : "0";
  for (const wrong of [key.slice(0, -1) + last, key.slice(0, 20), "fcw_", ""])
    expect((await tryKey(wrong)).status).toBe(401);
});

it("case 24: lets both keys work while the grace of a rotation lasts, then says that the old one has expired", async () => {
  const { key, id, token } = await workerKey();
  const rotated = await platform.call("POST", `/v1/keys/${id}/rotate`, {
    token,
    body: { graceHours: 1 },
  });
  const fresh = createdKey.parse(rotated.body);
  const { rows } = await asSystem(platform.deps.db, (tx) =>
    sql<{ action: string }>`select action from fc.audit_logs where target in (${id}, ${fresh.id}) order by id`.execute(
      tx,
    ),
  );
  expect(rows.map(({ action }) => action)).toEqual(["worker_key.created", "key.rotated", "worker_key.created"]);
  expect((await tryKey(key)).status).toBe(422);
  expect((await tryKey(fresh.key)).status).toBe(422);
  await asSystem(platform.deps.db, (tx) =>
    sql`update fc.api_keys set expires_at = now() - interval '1 second' where prefix = ${key.slice(0, 12)}`.execute(tx),
  );
  expect(await tryKey(key)).toMatchObject({ status: 401, body: { code: "key_expired" } });
  expect((await tryKey(fresh.key)).status).toBe(422);
});
