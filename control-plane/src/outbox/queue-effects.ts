import type { Stage } from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type { Tx } from "../platform/database.ts";
import type { Merge } from "./merge-pull.ts";

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
  | ({ kind: "merge_pull" } & Merge)
  | { kind: "delete_branch"; branch: string }
  /** The same, with its open pull request, again and again for longer than a publisher can live. */
  | { kind: "sweep_branch"; branch: string }
  /** Every label of ours that the repository does not have yet. */
  | { kind: "project_labels" }
  /** Tells whoever reported it, where an address was left. */
  | { kind: "notice_reporter"; stage: Stage; isQuestion: boolean }
  /** Tells the project's people. */
  | { kind: "notice_held" | "notice_waiting" | "notice_failed" | "notice_sent_back"; reason: string | null };

type Of = { projectId: string; runId: string | null };

/** Queues effects, in their order, in the transaction that causes them, so that neither happens without the other. */
export async function queueEffects(tx: Tx, of: Of, effects: readonly Effect[]): Promise<void> {
  if (effects.length === 0) return;
  await sql`with nothing as (select) ${effectQueries(of, effects)}
    select pg_notify('fc_outbox', '') where exists (select from effects)`.execute(tx);
}

/** The same as a `with` query named `effects`, for a statement that does more; it signals nothing. */
export function effectQueries(of: Of, effects: readonly Effect[]): RawBuilder<unknown> {
  const ids = effects.map(() => uuidv7());
  const kinds = effects.map(({ kind }) => kind);
  const payloads = effects.map((effect) => JSON.stringify(effect));
  return sql`, effects as (
      insert into fc.outbox (id, project_id, run_id, kind, payload)
      select effect.id, ${of.projectId}::uuid, ${of.runId}::uuid, effect.kind, effect.payload - 'kind'
      from unnest(${ids}::uuid[], ${kinds}::text[], ${payloads}::jsonb[]) as effect (id, kind, payload)
      returning id
    )`;
}
