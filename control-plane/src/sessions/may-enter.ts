import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Tx } from "../platform/database.ts";

/**
 * Whether somebody with this proven e-mail may have an account here: who has one, who is invited, and on a hosted
 * instance everybody. As the system: nobody is known yet.
 */
export async function mayEnter(tx: Tx, { mode }: Pick<Config, "mode">, email: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select ${mode === "hosted"} or exists (select from fc.users where lower(email) = lower(${email}))
      or exists (select from fc.invites where lower(email) = lower(${email}) and accepted_at is null and expires_at > now()) as may`.execute(
    tx,
  );
  return rows[0]?.may ?? false;
}
