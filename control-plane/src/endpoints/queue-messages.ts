import type { EndpointEvent, runMessage } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { type RawBuilder, sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type * as z from "zod";
import type { Tx } from "../platform/database.ts";

type Moved = { seq: number; from: string; stage: string; projectId: string };
type RunEvent = z.input<typeof runMessage>["data"];
/** Part of a message that is known without a look. */
type Message = { type: EndpointEvent; data: Partial<RunEvent> | Record<string, unknown> };

type Of = { projectId: string; runId: string | null };

/**
 * Queues a message to each endpoint of the project that wants to hear of it, in the transaction that it tells of.
 * Where nobody listens it writes nothing.
 */
export async function queueMessages(tx: Tx, of: Of, message: Message): Promise<void> {
  await sql`with nothing as (select) ${messageQueries(of, message)}
    select pg_notify('fc_outbox', '') where exists (select from messages)`.execute(tx);
}

/** The same as `with` queries, the last named `messages`, for a statement that does more; they signal nothing. */
export function messageQueries({ projectId, runId }: Of, message: Message | null): RawBuilder<unknown> {
  // Ids in the order of time, one for each of the endpoints that there can be.
  const ids = message ? Array.from({ length: 20 }, () => uuidv7()) : [];
  const type = message?.type ?? null;
  return sql`, listening as (
      select e.id, row_number() over (order by e.id) as place from fc.endpoints e
      where ${type}::text is not null and e.project_id = ${projectId}::uuid and not e.is_disabled
        and (e.events = '{}' or ${type}::text = any(e.events))
    ), message as (
      select jsonb_build_object('type', ${type}::text,
        'timestamp', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'data', ${JSON.stringify(message?.data ?? {})}::jsonb || coalesce((select jsonb_build_object('issueNumber', r.github_issue_number,
            'prNumber', r.github_pr_number, 'prUrl', r.pr_url, 'previewUrl', r.preview_url)
          from fc.pipeline_runs r where r.id = ${runId}::uuid), '{}')) as body
      where exists (select from listening)
    ), messages as (
      insert into fc.endpoint_deliveries (id, endpoint_id, project_id, event, body)
      select (${ids}::uuid[])[listening.place], listening.id, ${projectId}::uuid, ${type}::text, message.body::text
      from listening, message
      returning id
    )`;
}

/** What a move of a run tells: where it stands now, and for whom it waits. */
export function movedMessage(
  runId: string,
  moved: Moved,
  { waitingFor, reason }: { waitingFor: string | null; reason: string | null },
): Message | null {
  const waits = waitingFor !== null && waitingFor !== "worker";
  if (moved.from === moved.stage && !waits) return null;
  return {
    type: waits ? "run.waiting" : "run.stage_changed",
    data: {
      runId: idOf("run", runId), projectId: idOf("prj", moved.projectId), seq: moved.seq, fromStage: moved.from,
      stage: moved.stage, waitingFor, reason,
    },
  }; // prettier-ignore
}
