import type { Actor } from "@feedback-chat/protocol/actor";
import { Problem } from "@feedback-chat/protocol/problem";
import {
  isFinal,
  next,
  type Phase,
  resultOf,
  type RunEvent,
  type Stage,
  type WaitingFor,
} from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** What happened to a run. Fields that are left out stay as they are; `null` empties them. */
export type Happening = {
  event: RunEvent;
  actor: Actor;
  attempt: number;
  phase?: Phase | null;
  waitingFor?: WaitingFor | null;
  reason?: string | null;
  reasonText?: string | null;
  detail?: string | null;
  /** Made by the worker; the same one again is not recorded twice. */
  eventId?: string;
};

/**
 * Moves a run by one event, in the caller's transaction: the machine decides, the row and the numbered event are
 * written, readers are woken. The one place that writes `stage`.
 *
 * Order of locks, everywhere: the job's row first, then its run, the project last. A transaction that makes a new
 * job locks the project first and no other job. So nothing waits in a circle.
 * @throws Problem invalid_transition
 */
export async function recordEvent(
  tx: Tx,
  runId: string,
  happening: Happening,
): Promise<{ seq: number; stage: Stage; from: Stage; projectId: string }> {
  const { rows } = await sql<{
    stage: Stage;
    project_id: string;
    next_seq: string;
    phase: Phase | null;
    waiting_for: WaitingFor | null;
  }>`
    select stage, project_id, next_seq, phase, waiting_for from fc.pipeline_runs where id = ${runId} for update`.execute(
    tx,
  );
  const run = rows[0];
  if (!run) throw new Problem("not_found", "There is no such run.");
  const stage = next(run.stage, happening.event);
  const phase = happening.phase === undefined ? run.phase : happening.phase;
  const waitingFor = isFinal(stage)
    ? null
    : happening.waitingFor === undefined
      ? run.waiting_for
      : happening.waitingFor;
  const isSameStanding = stage === run.stage && waitingFor === run.waiting_for && !beginsAnew(happening, stage);
  const reason = happening.reason ?? null;
  await sql`
    with moved as (
      update fc.pipeline_runs set
        stage = ${stage}, phase = ${phase}, waiting_for = ${waitingFor}, next_seq = next_seq + 1,
        standing_since = case when ${isSameStanding} then standing_since else now() end,
        result = ${resultOf(stage)},
        completed_at = case when ${isFinal(stage)} then coalesce(completed_at, now()) end,
        reason = case when ${happening.reason === undefined} then reason else ${reason} end,
        reason_text = case when ${happening.reasonText === undefined} then reason_text else ${happening.reasonText ?? null} end
      where id = ${runId}
    ), numbered as (
      update fc.projects set next_seq = next_seq + 1 where id = ${run.project_id} returning next_seq - 1 as seq
    ), told as (
      select pg_notify('fc_runs', ${`${runId} ${run.project_id}`})
    )
    insert into fc.run_events (run_id, seq, project_id, project_seq, event_id, from_stage, event, to_stage, phase, waiting_for, reason, detail, attempt, actor)
    select ${runId}, ${run.next_seq}, ${run.project_id}, numbered.seq, ${happening.eventId ?? null}, ${run.stage}, ${happening.event}, ${stage},
      ${phase}, ${waitingFor}, ${reason}, ${happening.detail ?? null}, ${happening.attempt}, ${JSON.stringify(happening.actor)}::jsonb
    from numbered, told`.execute(tx);
  return { seq: Number(run.next_seq), stage, from: run.stage, projectId: run.project_id };
}

/** Checks and publishing have a deadline each: what the one took is not missing to the other. */
function beginsAnew({ event, phase }: Happening, stage: Stage): boolean {
  return event === "phase_started" && stage === "validating" && (phase === "validate" || phase === "publish");
}
