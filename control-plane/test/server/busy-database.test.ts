import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";

let platform: TestPlatform;
let owner: Awaited<ReturnType<TestPlatform["person"]>>;
beforeAll(async () => {
  platform = await openTestPlatform();
  owner = await platform.person("owner");
});
afterAll(() => platform[Symbol.asyncDispose]());

/** Another program's connection to the same database. */
async function other(): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: platform.databaseUrl });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
const create = (name: string) =>
  platform.call("POST", "/v1/projects", {
    token: owner.token,
    body: { name, githubRepo: `acme/${name}` },
  });

it.each([
  ["a lock's time-out", "lock_timeout"],
  ["a statement's time-out", "statement_timeout"],
])("answers that it was too busy and when to come again, by %s that the database has", async (_, setting) => {
  await using admin = await other();
  const { rows } = await admin.query<{ name: string }>("select current_database() as name");
  const name = pg.escapeIdentifier(rows[0]?.name ?? "");
  await admin.query(`alter database ${name} set ${setting} = '300ms'`);
  await admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  try {
    // The pool drops what was ended.
    while ((await platform.call("GET", "/v1/me", { token: owner.token })).status !== 200);
    await admin.query("begin; lock table fc.projects in access exclusive mode");
    const busy = await create("shop");
    expect(busy).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(Number(busy.headers.get("retry-after"))).toBeGreaterThan(0);
    await admin.query("rollback");
    expect((await create(`shop-${setting.slice(0, 4)}`)).status).toBe(201);
  } finally {
    await admin.query(`rollback; alter database ${name} reset ${setting}`);
  }
});
