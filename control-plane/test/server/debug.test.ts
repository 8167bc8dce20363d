import { sql } from "kysely";
import { expect, it } from "vitest";
import { readDebug } from "../../src/debug/read-debug.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { startReceiver } from "../support/start-receiver.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { kinds } from "../support/open-test-database.ts";

it.each(kinds)("tells the operator alone what works and what does not, with the reason, on %s", async (kind) => {
  await using model = await startReceiver();
  const env = { ANTHROPIC_BASE_URL: model.url, GITHUB_API_URL: "http://127.0.0.1:9" };
  await using platform = await openTestPlatform({ kind, env });
  const { token, userId } = await platform.person("owner");
  expect((await platform.call("GET", "/v1/debug", { token })).status).toBe(403);
  await asSystem(platform.deps.db, (tx) =>
    sql`update fc.users set is_operator = true where id = ${userId}`.execute(tx),
  );
  const { status, body } = await platform.call("GET", "/v1/debug", { token });
  const works = { ok: true, ms: expect.any(Number) as number, reason: null };
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      database: works, session: works, queue: works, sse: works, model: works,
      github: { ok: false, ms: expect.any(Number) as number, reason: expect.stringMatching(/ECONNREFUSED|bad port/) as string },
    },
  }); // prettier-ignore
});

it("says so when signals of the database do not come back, as behind a pooler that holds no session", async () => {
  await using platform = await openTestPlatform();
  // Another database's signals: nothing of this one is ever heard there.
  await using other = await openTestPlatform({ kind: "embedded" });
  const answer = await readDebug({ ...platform.deps, signals: other.deps.signals });
  expect(answer.sse).toMatchObject({ ok: false, reason: expect.stringContaining("DATABASE_DIRECT_URL") as string });
  expect(answer.database.ok).toBe(true);
});
