import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { encodeMessages, serveSse, type Sse } from "../platform/serve-sse.ts";
import { isOfRun, type RunFilters, stagesOf } from "./filter-runs.ts";
import { type Following, orCancel, resumeAfter } from "./follow-run.ts";
import { keepPace } from "./keep-pace.ts";
import { numberEvents } from "./number-events.ts";
import { batchSize } from "./read-stream.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "streams" | "log" | "config" | "now">;
type Of = { workspaceId: string; filters: RunFilters };
type Row = EventRow & { project_id: string; workspace_seq: string };

/**
 * Events of all runs of a workspace, without log lines. `id:` counts the whole stream, so a filtered one leaves
 * numbers out and resumes like any other. Without a Last-Event-ID it begins now.
 */
export async function followWorkspace(deps: Deps, of: Of, following: Following): Promise<Response> {
  const stallMs = deps.config.figures.sseCommentSeconds * 1000;
  // Before the answer: what happens after it is told.
  const newest = await numberAll(deps, of.workspaceId);
  return serveSse(deps, { stallMs, ...following }, (sse) => pump(deps, sse, { ...of, newest }, following));
}

async function pump(
  deps: Deps,
  sse: Sse,
  { workspaceId, filters, newest }: Of & { newest: number },
  following: Following,
): Promise<void> {
  const { lastEventId, recheck } = following;
  const pace = keepPace(deps, sse, recheck);
  let after = lastEventId ? resumeAfter(lastEventId, newest) : newest;
  if (after < 0) {
    await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    after = newest;
  }
  while (!sse.closed.aborted) {
    const next = deps.signals.next("runs", workspaceId);
    const from = after;
    const looking = deps.streams.lookTogether(`workspace ${workspaceId} ${from} ${JSON.stringify(filters)}`, () =>
      lookAfter(deps, { workspaceId, filters }, from),
    );
    const { seen, newest: last, isThere } = await orCancel(next, looking);
    if (seen.length > 0) await sse.write(seen);
    after = last;
    if (isThere) await pace.wait(next);
    else {
      next.cancel();
      await pace.look();
    }
  }
}

/** Encoded once, for all readers who have seen as much and want the same. */
async function lookAfter({ db }: Deps, of: Of, after: number) {
  return asWorkspace(db, of.workspaceId, async (tx) => {
    const { last, isAll } = await numberEvents(tx, of.workspaceId);
    const rows = await eventsBetween(tx, of, [after, last]);
    const messages = rows.map((row) => ({
      event: "stage",
      id: Number(row.workspace_seq),
      data: { projectId: idOf("prj", row.project_id), runId: idOf("run", row.run_id), ...toEntry(row) },
    }));
    // What was filtered out is not looked at again.
    const newest = rows.length < batchSize ? last : Number(rows.at(-1)?.workspace_seq);
    return { seen: encodeMessages(messages), newest, isThere: isAll && rows.length < batchSize };
  });
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
