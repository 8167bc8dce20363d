import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { revokeTokensByOthers } from "../keys/revoke-tokens-by-others.ts";
import { insertWorkspace } from "../workspaces/create-workspace.ts";
import { loginFrom } from "./login-from.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Account = { id: string; email: string; name: string; emailVerified: boolean };

/**
 * Before each session: makes sure that the account is a person of ours. A new one on a hosted instance who was not
 * invited to a workspace gets one of their own. Once the address is proven, tokens that others made for it are dead.
 */
export async function admitPerson(deps: Deps, { id, email, name, emailVerified }: Account): Promise<void> {
  const { db, newId, config } = deps;
  const login = loginFrom(email);
  // As the system: people are not of one tenant.
  await asSystem(db, async (tx) => {
    const { rows } = await sql<{ is_invited: boolean }>`
      insert into fc.users (id, email, name, login) values (${id}, ${email}, ${name}, ${login}) on conflict do nothing
      returning exists (select from fc.invites where lower(email) = lower(${email}) and accepted_at is null and expires_at > now()) as is_invited`.execute(
      tx,
    );
    if (emailVerified) await revokeTokensByOthers(tx, deps, { userId: id, login });
    if (config.mode !== "hosted" || rows[0]?.is_invited !== false) return;
    const owner = { userId: id, actor: { kind: "user" as const, id, login } };
    await insertWorkspace(tx, { newId }, { id: newId(), owner, name: `${name || login}'s workspace` });
  });
}
