import { idOf } from "@feedback-chat/protocol/ids";
import type { WorkerPage } from "@feedback-chat/protocol/operating";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";

type Deps = { db: Db };

type Row = Omit<WorkerPage["items"][number], "id" | "lastSeenAt"> & {
  id: string;
  created_at: Date;
  lastSeenAt: Date;
};

/**
 * The workers of a workspace, newest first: those that were seen within a day. Online: claims or renews now.
 * @throws Problem invalid_cursor
 */
export async function listWorkers({ db }: Deps, workspaceId: string, page: PageQuery): Promise<WorkerPage> {
  const scope = ["workers", workspaceId];
  const before = pageStart(scope, page);
  const { rows } = await asWorkspace(db, workspaceId, (tx) =>
    sql<Row>`
      select w.id, w.name, w.version, w.concurrency, w.is_draining as "isDraining", w.last_seen_at as "lastSeenAt", w.created_at,
        running.jobs as "runningJobs", w.last_seen_at > now() - interval '2 minutes' or running.jobs > 0 as "isOnline"
      from fc.workers w
      cross join lateral (select count(*)::int as jobs from fc.job_queue j where j.worker_id = w.id and j.status = 'processing') running
      where w.workspace_id = ${workspaceId} and (w.last_seen_at > now() - interval '24 hours' or running.jobs > 0)
        and (${before}::uuid is null or w.id < ${before}::uuid)
      order by w.id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, (row) => ({
    ...row,
    id: idOf("wrk", row.id),
    lastSeenAt: row.lastSeenAt.toISOString(),
  }));
}
