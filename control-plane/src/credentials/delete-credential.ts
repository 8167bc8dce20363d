import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; credentialId: string; projectId: string; workspaceId: string };

/** The sealed bytes are gone with the row. Twice is as good as once. */
export async function deleteCredential({ db, newId }: Deps, input: Input): Promise<void> {
  const { caller, credentialId, projectId, workspaceId } = input;
  await asProject(db, projectId, async (tx) => {
    await sql`delete from fc.credentials where id = ${credentialId}`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId, actor: actorOf(caller),
      action: "credential.deleted", target: idOf("crd", credentialId),
    }); // prettier-ignore
  });
}
