import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

type Deps = { newId: () => string };
type Person = { userId: string; login: string };

/**
 * Ends the CLI tokens that others made for this person, who has just proven whose the address is: whoever made the
 * account for it acts no longer under its name. A second call finds nothing. As the system: tokens are of no tenant.
 */
export async function revokeTokensByOthers(tx: Tx, { newId }: Deps, { userId, login }: Person): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    update fc.api_keys set revoked_at = now()
    where kind = 'user' and user_id = ${userId} and made_by is distinct from ${userId}::uuid and revoked_at is null
    returning id`.execute(tx);
  if (rows.length === 0) return;
  const audited = rows.map(({ id }) => ({ id: newId(), target: idOf("key", id) }));
  const actor = { kind: "user", id: userId, login };
  await sql`
    insert into fc.audit_logs (id, actor, action, target)
    select id, ${JSON.stringify(actor)}::jsonb, 'user_key.revoked', target
    from jsonb_to_recordset(${JSON.stringify(audited)}::jsonb) as audited (id uuid, target text)`.execute(tx);
}
