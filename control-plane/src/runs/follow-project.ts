import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { encodeMessages, serveSse, type Sse } from "../platform/serve-sse.ts";
import { type Following, orCancel, resumeAfter } from "./follow-run.ts";
import { keepPace } from "./keep-pace.ts";
import { batchSize } from "./read-stream.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "streams" | "log" | "config" | "now">;

/** Events of all runs of a project, without log lines. Without a Last-Event-ID it begins now. */
export async function followProject(deps: Deps, projectId: string, following: Following): Promise<Response> {
  const stallMs = deps.config.figures.sseCommentSeconds * 1000;
  // Before the answer: what happens after it is told.
  const newest = await asProject(deps.db, projectId, (tx) => lastSeqOf(tx, projectId));
  return serveSse(deps, { stallMs, ...following }, (sse) => pump(deps, sse, { projectId, newest }, following));
}

type Begun = { projectId: string; newest: number };

async function pump(
  deps: Deps,
  sse: Sse,
  { projectId, newest }: Begun,
  { lastEventId, recheck }: Following,
): Promise<void> {
  const pace = keepPace(deps, sse, recheck);
  let last = lastEventId ? resumeAfter(lastEventId, newest) : newest;
  if (last < 0) {
    await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    last = newest;
  }
  while (!sse.closed.aborted) {
    const next = deps.signals.next("runs", projectId);
    const after = last;
    const looking = deps.streams.lookTogether(`project ${projectId} ${after}`, () => lookAfter(deps, projectId, after));
    const { seen, newest, isFull } = await orCancel(next, looking);
    if (seen.length > 0) await sse.write(seen);
    last = newest;
    if (!isFull) await pace.wait(next);
    else {
      next.cancel();
      await pace.look();
    }
  }
}

/** Encoded once, for all readers who have seen as much. */
async function lookAfter({ db }: Deps, projectId: string, seq: number) {
  const rows = await asProject(db, projectId, (tx) => eventsAfter(tx, projectId, seq));
  const messages = rows.map((row) => ({
    event: "stage",
    id: Number(row.project_seq),
    data: { runId: idOf("run", row.run_id), ...toEntry(row) },
  }));
  return { seen: encodeMessages(messages), newest: messages.at(-1)?.id ?? seq, isFull: rows.length === batchSize };
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
