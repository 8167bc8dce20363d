import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { serveSse, type Sse } from "../platform/serve-sse.ts";
import { type Following, orCancel, resumeAfter } from "./follow-run.ts";
import { keepPace } from "./keep-pace.ts";
import { batchSize } from "./read-stream.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "log" | "config" | "now">;

/** Events of all runs of a project, without log lines. Without a Last-Event-ID it begins now. */
export function followProject(deps: Deps, projectId: string, following: Following): Response {
  const stallMs = deps.config.figures.sseCommentSeconds * 1000;
  return serveSse(deps, { stallMs, signal: following.signal, cut: following.cut }, (sse) =>
    pump(deps, sse, projectId, following),
  );
}

async function pump(deps: Deps, sse: Sse, projectId: string, { lastEventId, recheck }: Following): Promise<void> {
  const pace = keepPace(deps, sse, recheck);
  const newest = await asProject(deps.db, projectId, (tx) => lastSeqOf(tx, projectId));
  let last = lastEventId ? resumeAfter(lastEventId, newest) : newest;
  if (last < 0) {
    await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    last = newest;
  }
  while (!sse.closed.aborted) {
    const next = deps.signals.next("runs", projectId);
    const after = last;
    const looking = asProject(deps.db, projectId, (tx) => eventsAfter(tx, projectId, after));
    const rows = await orCancel(next, looking);
    for (const row of rows) {
      last = Number(row.project_seq);
      const data = { runId: idOf("run", row.run_id), ...toEntry(row) };
      await sse.send({ event: "stage", id: last, data });
    }
    if (rows.length < batchSize) await pace.wait(next);
    else {
      next.cancel();
      await pace.look();
    }
  }
}

async function lastSeqOf(tx: Tx, projectId: string): Promise<number> {
  const { rows } = await sql<{
    next_seq: string;
  }>`select next_seq from fc.projects where id = ${projectId}`.execute(tx);
  return Number(rows[0]?.next_seq ?? 1) - 1;
}

async function eventsAfter(tx: Tx, projectId: string, seq: number): Promise<EventRow[]> {
  const { rows } = await sql<EventRow>`
    select * from fc.run_events where project_id = ${projectId} and project_seq > ${seq} order by project_seq limit ${batchSize}`.execute(
    tx,
  );
  return rows;
}
