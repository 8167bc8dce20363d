import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Proven } from "../platform/authenticate.ts";
import type { Caller, Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { type Name, type Named, tenantsOf } from "../platform/find-tenants.ts";
import { refuseUntil } from "../platform/take-turn.ts";
import { hashKey, isWellFormedKey } from "./mint-key.ts";

type Deps = { db: Db };
/** What one request counts against: the limit of the job (a uuid) if this key holds its lease, else the key's own. */
export type Turn = { perMinute: number; jobId: string | null };
/** `names`: what the path names; whose it is comes with the caller, in the one look. */
type Asked = { turn: Turn | null; names: readonly Name[] };
export type KeyRow = {
  id: string;
  kind: "project" | "worker" | "user";
  workspace_id: string | null;
  project_id: string | null;
  prefix: string;
  scopes: string[];
  is_revoked: boolean;
  is_expired: boolean;
  user_id: string | null;
  login: string | null;
  email: string | null;
  is_operator: boolean | null;
  roles: Record<string, Role> | null;
  wait_seconds: number;
  found: Named[];
};

/**
 * Who carries this key, read anew at each request: a revoked one is dead at once.
 * @throws Problem unauthenticated; key_expired for one that a rotation replaced; rate_limited.
 */
export async function verifyKey({ db }: Deps, key: string, { turn, names }: Asked): Promise<Proven> {
  if (!isWellFormedKey(key)) throw unknown();
  const { rows } = await sql<KeyRow>`select carrier.*, ${tenantsOf(names)} as found
      from fc.carrier_of(${hashKey(key)}, ${turn?.jobId ?? null}, ${turn?.perMinute ?? null}::int) as carrier`.execute(
    db,
  );
  const [row] = rows;
  const caller = callerOfKey(row);
  refuseUntil(row?.wait_seconds ?? 0);
  return row ? { caller, found: row.found } : { caller };
}

/** What `verifyKey` reads, for many keys at once and without taking a turn: for answers that last. */
export async function keyRowsOf({ db }: Deps, keys: readonly string[]): Promise<(KeyRow | undefined)[]> {
  const { rows } = await sql<KeyRow & { id: string | null }>`
    select carrier.* from unnest(${keys.map(hashKey)}::bytea[]) with ordinality as asked (hash, place)
    left join lateral fc.carrier_of(asked.hash, null, null) as carrier on true order by asked.place`.execute(db);
  return rows.map((row) => (row.id === null ? undefined : row));
}

/** @throws Problem unauthenticated; key_expired for one that a rotation replaced. */
export function callerOfKey(row: KeyRow | undefined): Caller {
  if (!row || row.is_revoked) throw unknown();
  if (row.is_expired) throw new Problem("key_expired", `The key ${row.prefix}… has expired.`);
  const { id: keyId, prefix, workspace_id: workspaceId, project_id: projectId } = row;
  if (row.kind === "worker" && workspaceId) return { kind: "worker", keyId, workspaceId, prefix };
  if (row.kind === "project" && workspaceId && projectId)
    return { kind: "key", keyId, projectId, workspaceId, prefix, scopes: row.scopes };
  if (row.kind === "user" && row.user_id)
    return {
      kind: "user",
      userId: row.user_id,
      login: row.login ?? "",
      email: row.email,
      isOperator: row.is_operator ?? false,
      roles: row.roles ?? {},
    };
  throw new TypeError(`The key ${keyId} belongs to nobody.`);
}

const unknown = () => new Problem("unauthenticated", "This key is not valid, or was revoked.");
