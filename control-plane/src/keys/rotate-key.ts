import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CreatedKey } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller, type KeyScope, type Tenant } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { createKey } from "./create-key.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; keyId: string; tenant: Tenant; graceHours: number };

/**
 * A new key of the same rights; the old one works until its grace ends, then says `key_expired`.
 * @throws Problem conflict for a key that is dead or was replaced.
 */
export async function rotateKey(deps: Deps, { caller, keyId, tenant, graceHours }: Input): Promise<CreatedKey> {
  const { workspaceId, projectId } = tenant;
  return asWorkspace(deps.db, workspaceId, async (tx) => {
    const { rows } = await sql<{ name: string; scopes: KeyScope[] }>`
      update fc.api_keys set expires_at = now() + make_interval(secs => ${Math.round(graceHours * 3600)})
      where id = ${keyId} and revoked_at is null and expires_at is null returning name, scopes`.execute(tx);
    const old = rows[0];
    if (!old) throw new Problem("conflict", "This key was revoked or rotated before.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "key.rotated", target: idOf("key", keyId),
    }); // prettier-ignore
    const shared = { workspaceId, name: old.name, actor: actorOf(caller) };
    return createKey(
      tx,
      deps,
      projectId ? { ...shared, kind: "project", projectId, scopes: old.scopes } : { ...shared, kind: "worker" },
    );
  });
}
