import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";
import { type CredentialRow, toCredential } from "./to-credential.ts";

/** Never the secret. @throws Problem invalid_cursor */
export async function listCredentials({ db }: { db: Db }, projectId: string, page: PageQuery) {
  const scope = ["credentials", projectId];
  const before = pageStart(scope, page);
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<CredentialRow>`select id, type, last4, status, created_at from fc.credentials
      where project_id = ${projectId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, toCredential);
}
