import { Problem } from "@feedback-chat/protocol/problem";
import type { CreatedKey } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { createKey } from "../keys/create-key.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { refuseUntil } from "../platform/take-turn.ts";
import { hashDeviceCode } from "./device-codes.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Row = {
  id: string;
  machine: string;
  decision: "approved" | "denied" | null;
  userId: string | null;
  login: string | null;
  waitSeconds: number;
};

/**
 * A CLI token of ours, once, when a person has let the command line in. It is minted here and kept nowhere: the
 * approval alone is.
 * @throws Problem authorization_pending, forbidden (denied), not_found (wrong, used, over), rate_limited (too soon)
 */
export async function takeDeviceToken({ db, newId, config }: Deps, deviceCode: string): Promise<CreatedKey> {
  // As the system: nobody is known yet.
  const taken = await asSystem(db, async (tx) => {
    const row = await poll(tx, hashDeviceCode(deviceCode), config.figures.devicePollSeconds);
    if (row.decision === null) return "pending";
    await sql`delete from fc.device_codes where id = ${row.id}`.execute(tx);
    if (row.decision === "denied" || !row.userId) return "denied";
    const actor = { kind: "user" as const, id: row.userId, login: row.login ?? "" };
    return createKey(tx, { newId }, { kind: "user", userId: row.userId, name: row.machine, actor });
  });
  if (taken === "pending") throw new Problem("authorization_pending", "Nobody has decided about this code yet.");
  if (taken === "denied") throw new Problem("forbidden", "A person refused this login.");
  return taken;
}

async function poll(tx: Tx, hash: Buffer, everySeconds: number): Promise<Row> {
  const { rows } = await sql<Row>`
    with seen as (
      select d.id, d.last_polled_at from fc.device_codes d where d.device_hash = ${hash} and d.expires_at > now() for update
    )
    update fc.device_codes d set last_polled_at = now() from seen where d.id = seen.id
    returning d.id, d.machine, d.decision, d.user_id as "userId", (select login from fc.users u where u.id = d.user_id) as login,
      coalesce(extract(epoch from seen.last_polled_at + make_interval(secs => ${everySeconds}) - now())::float8, 0) as "waitSeconds"`.execute(
    tx,
  );
  const row = rows[0];
  if (!row)
    throw new Problem("not_found", "This code is wrong, was used, or is over.", { next: "Start the login again." });
  // What is thrown undoes the update: who asks too soon waits no longer for it.
  refuseUntil(row.waitSeconds);
  return row;
}
