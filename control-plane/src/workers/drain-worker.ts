import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db };
type Input = { workspaceId: string; workerId: string };

/** Tells a worker to claim no more: at its waiting claim at once, else at its next claim or renewal. */
export async function drainWorker({ db }: Deps, { workspaceId, workerId }: Input): Promise<void> {
  await asWorkspace(db, workspaceId, (tx) =>
    sql`
      with drained as (update fc.workers set is_draining = true where id = ${workerId} returning id)
      select pg_notify('fc_jobs', ${`${workspaceId} ${workerId}`}),
        (select count(pg_notify('fc_leases', j.id::text)) from drained join fc.job_queue j on j.worker_id = drained.id and j.status = 'processing')`.execute(
      tx,
    ),
  );
}
