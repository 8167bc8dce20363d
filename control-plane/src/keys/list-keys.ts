import { idOf } from "@feedback-chat/protocol/ids";
import type { keyPage } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type * as z from "zod";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";

type Of = { workspaceId: string; projectId: string | null };
type Row = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: Date;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
};

/** The keys of a project, or the worker keys of a workspace: prefixes only, newest first. @throws Problem invalid_cursor */
export async function listKeys(
  { db }: { db: Db },
  { workspaceId, projectId }: Of,
  page: PageQuery,
): Promise<z.input<typeof keyPage>> {
  const scope = ["keys", workspaceId, projectId];
  const before = pageStart(scope, page);
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<Row>`select id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at from fc.api_keys
      where case when ${projectId}::uuid is null then kind = 'worker' and workspace_id = ${workspaceId}
        else kind = 'project' and project_id = ${projectId}::uuid end
        and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, (row) => ({
    id: idOf("key", row.id),
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  }));
}
