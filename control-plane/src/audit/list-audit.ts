import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import type { AuditPage } from "@feedback-chat/protocol/operating";
import { sql } from "kysely";
import { wireActor } from "../core/wire-actor.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";

type Wanted = { workspaceId: string; limit: number; cursor: string | undefined };
type Row = {
  id: string;
  created_at: Date;
  actor: Actor;
  action: string;
  target: string | null;
  project_id: string | null;
};

/** Newest first, by keyset: ids are made in order of time. @throws Problem invalid_cursor */
export async function listAudit({ db }: { db: Db }, { workspaceId, limit, cursor }: Wanted): Promise<AuditPage> {
  const scope = ["audit", workspaceId];
  const after = cursor ? placeOf(scope, cursor).id : null;
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<Row>`select id, created_at, actor, action, target, project_id from fc.audit_logs
      where workspace_id = ${workspaceId} and (${after}::uuid is null or id < ${after}::uuid)
      order by id desc limit ${limit + 1}`.execute(tx),
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map((row) => ({
      id: idOf("aud", row.id), at: row.created_at.toISOString(), actor: wireActor(row.actor), action: row.action, target: row.target,
      projectId: row.project_id === null ? null : idOf("prj", row.project_id),
    })),
    nextCursor: last && rows.length > limit ? cursorOf(scope, { at: last.created_at.toISOString(), id: last.id }) : null,
  }; // prettier-ignore
}
