import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { type CredentialRow, toCredential } from "./to-credential.ts";

/** At most one of each kind, so one page holds them all. */
export async function listCredentials({ db }: { db: Db }, projectId: string) {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<CredentialRow>`select id, type, last4, status, created_at from fc.credentials
      where project_id = ${projectId} order by created_at desc, id desc`.execute(tx),
  );
  return { items: rows.map(toCredential), nextCursor: null };
}
