import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asSystem } from "./as-tenant.ts";
import type { Db } from "./database.ts";

/**
 * Proves at the start that what every transaction becomes is bound by row level security: no superuser, no bypass,
 * owner of nothing.
 * @throws Problem unavailable
 */
export async function checkRuntimeRole(db: Db): Promise<void> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ role: string; is_unbound: boolean; owns: boolean }>`
      select current_user as role, r.rolsuper or r.rolbypassrls as is_unbound,
        exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'fc' and c.relowner = r.oid) as owns
      from pg_roles r where r.rolname = current_user`.execute(tx),
  );
  const row = rows[0];
  if (!row || row.is_unbound || row.owns)
    throw new Problem(
      "unavailable",
      `The role ${row?.role ?? "of this database"} could read every tenant's rows: row level security does not bind it.`,
      { next: "Make feedback_chat_app a role without SUPERUSER, BYPASSRLS and tables of its own." },
    );
}
