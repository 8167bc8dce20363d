import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** Events that one statement numbers: a stream that nobody read for long catches up in steps. */
const mostAtOnce = 500;

/**
 * Gives the workspace's next numbers to events that have none yet, and tells the last number. In order within each
 * project, whose own numbers are in the order of commits; between projects by time. A stream begins with its first
 * reader: what was before it has no number.
 */
export async function numberEvents(tx: Tx, workspaceId: string): Promise<{ last: number; isAll: boolean }> {
  const before = await standingOf(tx, workspaceId);
  if (before.nextSeq !== null && !before.hasNew) return { last: Number(before.nextSeq) - 1, isAll: true };
  // In a statement of its own: the next one sees what was numbered while this one waited.
  await sql`select from fc.workspaces where id = ${workspaceId} for no key update`.execute(tx);
  if (before.nextSeq === null) await beginStream(tx, workspaceId);
  const { rows } = await sql<{ count: number }>`
    with fresh as (
      select p.id as project_id, e.project_seq,
        max(e.created_at) over (partition by p.id order by e.project_seq) as at
      from fc.projects p left join fc.workspace_marks m on m.project_id = p.id
      cross join lateral (
        select project_seq, created_at from fc.run_events
        where project_id = p.id and project_seq > coalesce(m.project_seq, 0) order by project_seq limit ${mostAtOnce}
      ) e
      where p.workspace_id = ${workspaceId}
    ), taken as (
      select *, row_number() over (order by at, project_id, project_seq) as nth from fresh
      order by at, project_id, project_seq limit ${mostAtOnce}
    ), counted as (
      update fc.workspaces set next_seq = next_seq + (select count(*) from taken) where id = ${workspaceId}
      returning next_seq - (select count(*) from taken) as first_seq
    ), marked as (
      insert into fc.workspace_marks as m (project_id, workspace_id, project_seq)
      select project_id, ${workspaceId}, max(project_seq) from taken group by project_id
      on conflict (project_id) do update set project_seq = excluded.project_seq
    ), numbered as (
      insert into fc.workspace_events (workspace_id, seq, project_id, project_seq)
      select ${workspaceId}, counted.first_seq + taken.nth - 1, taken.project_id, taken.project_seq from taken, counted
      returning 1
    )
    select count(*)::int as count from numbered`.execute(tx);
  const { nextSeq } = await standingOf(tx, workspaceId);
  return { last: Number(nextSeq ?? 1) - 1, isAll: (rows[0]?.count ?? 0) < mostAtOnce };
}

type Standing = { nextSeq: string | null; hasNew: boolean };

async function standingOf(tx: Tx, workspaceId: string): Promise<Standing> {
  const { rows } = await sql<Standing>`
    select w.next_seq as "nextSeq", exists (
      select from fc.projects p left join fc.workspace_marks m on m.project_id = p.id
      where p.workspace_id = w.id and p.next_seq - 1 > coalesce(m.project_seq, 0)
    ) as "hasNew"
    from fc.workspaces w where w.id = ${workspaceId}`.execute(tx);
  return rows[0] ?? { nextSeq: null, hasNew: false };
}

/** Of two first readers at once the second finds it begun. */
async function beginStream(tx: Tx, workspaceId: string): Promise<void> {
  await sql`
    with begun as (
      update fc.workspaces set next_seq = 1 where id = ${workspaceId} and next_seq is null returning id
    )
    insert into fc.workspace_marks (project_id, workspace_id, project_seq)
    select p.id, begun.id, p.next_seq - 1 from begun join fc.projects p on p.workspace_id = begun.id`.execute(tx);
}
