import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { serveSse, type Sse } from "../platform/serve-sse.ts";
import { isOfRun, type RunFilters, stagesOf } from "./filter-runs.ts";
import { type Following, orCancel, resumeAfter } from "./follow-run.ts";
import { keepPace } from "./keep-pace.ts";
import { numberEvents } from "./number-events.ts";
import { batchSize } from "./read-stream.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "log" | "config" | "now">;
type Of = { workspaceId: string; filters: RunFilters };
type Row = EventRow & { project_id: string; workspace_seq: string };

/**
 * Events of all runs of a workspace, without log lines. `id:` counts the whole stream, so a filtered one leaves
 * numbers out and resumes like any other. Without a Last-Event-ID it begins now.
 */
export function followWorkspace(deps: Deps, of: Of, following: Following): Response {
  const stallMs = deps.config.figures.sseCommentSeconds * 1000;
  return serveSse(deps, { stallMs, signal: following.signal, cut: following.cut }, (sse) =>
    pump(deps, sse, of, following),
  );
}

async function pump(deps: Deps, sse: Sse, { workspaceId, filters }: Of, following: Following): Promise<void> {
  const { lastEventId, recheck } = following;
  const pace = keepPace(deps, sse, recheck);
  const newest = await numberAll(deps, workspaceId);
  let after = lastEventId ? resumeAfter(lastEventId, newest) : newest;
  if (after < 0) {
    await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    after = newest;
  }
  while (!sse.closed.aborted) {
    const next = deps.signals.next("runs", workspaceId);
    const looking = asWorkspace(deps.db, workspaceId, async (tx) => {
      const { last, isAll } = await numberEvents(tx, workspaceId);
      const rows = await eventsBetween(tx, { workspaceId, filters }, [after, last]);
      return { last, rows, isThere: isAll && rows.length < batchSize };
    });
    const { last, rows, isThere } = await orCancel(next, looking);
    for (const row of rows) {
      const data = { projectId: idOf("prj", row.project_id), runId: idOf("run", row.run_id), ...toEntry(row) };
      await sse.send({ event: "stage", id: Number(row.workspace_seq), data });
    }
    // What was filtered out is not looked at again.
    after = rows.length < batchSize ? last : Number(rows.at(-1)?.workspace_seq);
    if (isThere) await pace.wait(next);
    else {
      next.cancel();
      await pace.look();
    }
  }
}

/** Each step in a transaction of its own: a reader after a long time holds up nobody. */
async function numberAll({ db }: Deps, workspaceId: string): Promise<number> {
  for (;;) {
    const { last, isAll } = await asWorkspace(db, workspaceId, (tx) => numberEvents(tx, workspaceId));
    if (isAll) return last;
  }
}

async function eventsBetween(tx: Tx, { workspaceId, filters }: Of, [after, last]: [number, number]): Promise<Row[]> {
  const only = [
    sql`w.workspace_id = ${workspaceId} and w.seq > ${after} and w.seq <= ${last}`,
    sql`e.to_stage = any(${stagesOf(filters)}::text[])`,
    ...isOfRun(filters),
  ];
  const { rows } = await sql<Row>`
    select e.*, w.seq as workspace_seq from fc.workspace_events w
      join fc.run_events e on e.project_id = w.project_id and e.project_seq = w.project_seq
      join fc.pipeline_runs r on r.id = e.run_id join fc.issues i on i.id = r.issue_id
    where ${sql.join(only, sql` and `)} order by w.seq limit ${batchSize}`.execute(tx);
  return rows;
}
