import type { Usage } from "@feedback-chat/protocol/operating";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Wanted = { projectId: string; from: string | null; to: string | null };
type Row = { date: string; runs: number; tokens: string; costMicroUsd: string };

/** By day of UTC, both ends included; the last 30 days unless told. What is reserved and not settled counts as spent. */
export async function readUsage({ db }: { db: Db }, { projectId, from, to }: Wanted): Promise<Usage> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`
      with span as (
        select coalesce(${from}::date, (now() at time zone 'utc')::date - 29) as first, coalesce(${to}::date, (now() at time zone 'utc')::date) as last
      ), spent as (
        select (s.created_at at time zone 'utc')::date as day, sum(s.input_tokens + s.output_tokens) as tokens,
          sum(coalesce(s.settled_micro_usd, s.reserved_micro_usd)) as cost
        from fc.spend_reservations s, span
        where s.project_id = ${projectId} and s.created_at >= span.first at time zone 'utc' and s.created_at < (span.last + 1) at time zone 'utc'
        group by 1
      ), started as (
        select (r.started_at at time zone 'utc')::date as day, count(*)::int as runs from fc.pipeline_runs r, span
        where r.project_id = ${projectId} and r.started_at >= span.first at time zone 'utc' and r.started_at < (span.last + 1) at time zone 'utc'
        group by 1
      )
      select to_char(coalesce(spent.day, started.day), 'YYYY-MM-DD') as date, coalesce(started.runs, 0) as runs,
        coalesce(spent.tokens, 0)::text as tokens, coalesce(spent.cost, 0)::text as "costMicroUsd"
      from spent full join started on spent.day = started.day order by 1`.execute(tx),
  );
  return {
    days: rows.map(({ tokens, costMicroUsd, ...day }) => ({
      ...day,
      tokens: Number(tokens),
      costMicroUsd: Number(costMicroUsd),
    })),
  };
}
