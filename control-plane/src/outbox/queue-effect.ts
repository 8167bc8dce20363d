import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type { Tx } from "../platform/database.ts";

/** Everything that a transition does outside the database, as data. `deliver-effects.ts` does it later, at least once. */
export type Effect =
  /** Brings the labels to what the run's stage says. */
  | { kind: "issue_labels" }
  /** Posted once: `marker` finds it again. */
  | { kind: "issue_comment"; marker: string; body: string }
  | { kind: "close_issue"; reason: "completed" | "not_planned" }
  | { kind: "reopen_issue" }
  | { kind: "close_pull"; number: number; comment: string | null }
  | { kind: "mark_ready"; number: number }
  | { kind: "delete_branch"; branch: string }
  /** Tells the project's people. */
  | { kind: "notice_held" | "notice_waiting" | "notice_failed"; reason: string | null };

/** Queues an effect in the transaction that causes it, so that neither happens without the other. */
export async function queueEffect(
  tx: Tx,
  of: { projectId: string; runId: string | null },
  effect: Effect,
): Promise<void> {
  const { kind, ...payload } = effect;
  await sql`
    with told as (select pg_notify('fc_outbox', ''))
    insert into fc.outbox (id, project_id, run_id, kind, payload)
    select ${uuidv7()}::uuid, ${of.projectId}::uuid, ${of.runId}::uuid, ${kind}, ${JSON.stringify(payload)}::jsonb from told`.execute(
    tx,
  );
}
