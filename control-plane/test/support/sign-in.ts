import { sql } from "kysely";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { offerOwnerCode } from "../../src/sessions/offer-owner-code.ts";
import type { Answer, TestPlatform } from "./open-test-platform.ts";

export const ann = { email: "ann@example.com", password: "correct horse battery", login: "ann" };
export const origin = { origin: "http://localhost" };

/** The cookies that an answer sets, as a browser sends them back. */
export function cookieOf({ headers }: Pick<Answer, "headers">): string {
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

/** The first owner, made by the one-time code, and a session of theirs: headers that a page of ours sends. */
export async function signInOwner(platform: TestPlatform, from = origin): Promise<Record<string, string>> {
  const offered = await offerOwnerCode(platform.deps, { dataFolder: undefined });
  await platform.call("POST", "/api/setup/owner", { body: { ...ann, code: offered?.code } });
  const answer = await platform.call("POST", "/api/auth/sign-in/email", { body: ann, headers: from });
  if (answer.status !== 200) throw new Error(`The owner could not sign in: ${answer.text}`);
  return { ...from, cookie: cookieOf(answer) };
}

/** Everything that the database holds, better-auth's tables included, as text. */
export async function dumpOf({ deps }: TestPlatform): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('fc', 'auth')`.execute(
    deps.db,
  );
  const all = rows.map(({ name }) => `select row_to_json(t)::text as row from ${name} t`).join(" union all ");
  const { rows: parts } = await asSystem(deps.db, async (tx) => {
    await sql`reset role`.execute(tx); // as the owner of both schemas, whom row level security leaves the system's rows
    return sql<{ row: string }>`${sql.raw(all)}`.execute(tx);
  });
  return parts.map(({ row }) => row).join("\n");
}
