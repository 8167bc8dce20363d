import type { Operations } from "@feedback-chat/protocol/operating";
import { type RawBuilder, sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";

type Deps = { db: Db; config: { figures: { leaseSeconds: number } } };

/** How the queue of a workspace is. */
export async function readOperations(deps: Deps, workspaceId: string): Promise<Operations> {
  return asWorkspace(deps.db, workspaceId, (tx) => countQueue(tx, deps, sql`p.workspace_id = ${workspaceId}`));
}

/** Of the projects that `which` names (alias `p`; workers have the alias `w`), in one statement. */
export async function countQueue(
  tx: Tx,
  { config }: Pick<Deps, "config">,
  which: RawBuilder<unknown>,
): Promise<Operations> {
  // A worker polls, renews or is at work all the time: two leases of silence mean that it is gone.
  const silence = 2 * config.figures.leaseSeconds + 60;
  const { rows } = await sql<Operations & { oldestWaitingSeconds: string | null }>`
    select count(*) filter (where j.status = 'pending' and j.run_at < 'infinity')::int as waiting,
      count(*) filter (where j.status = 'pending' and j.run_at = 'infinity')::int as parked,
      count(*) filter (where j.status = 'processing')::int as processing,
      extract(epoch from now() - min(j.run_at) filter (where j.status = 'pending' and j.run_at <= now())) as "oldestWaitingSeconds",
      count(*) filter (where j.completed_at > now() - interval '1 hour')::int as "endedLastHour",
      count(*) filter (where j.completed_at > now() - interval '1 hour' and j.status = 'failed')::int as "failedLastHour",
      (select count(*)::int from fc.workers w where w.last_seen_at > now() - make_interval(secs => ${silence})) as "workersOnline"
    from fc.projects p join fc.job_queue j on j.project_id = p.id
    where ${which} and p.deleted_at is null
      and (j.status in ('pending', 'processing') or j.completed_at > now() - interval '1 hour')`.execute(tx);
  const row = rows[0];
  if (!row) throw new TypeError("A count has one row.");
  const { oldestWaitingSeconds: oldest, ...counts } = row;
  return { ...counts, oldestWaitingSeconds: oldest === null ? null : Number(oldest) };
}
