import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller, type Tenant } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; keyId: string; tenant: Tenant };

/** Dead at its next request. Twice is as good as once. */
export async function revokeKey({ db, newId }: Deps, { caller, keyId, tenant }: Input): Promise<void> {
  const { workspaceId, projectId } = tenant;
  await asWorkspace(db, workspaceId, async (tx) => {
    await sql`update fc.api_keys set revoked_at = coalesce(revoked_at, now()) where id = ${keyId}`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId, actor: actorOf(caller), action: "key.revoked", target: idOf("key", keyId),
    }); // prettier-ignore
  });
}
