import type { Actor } from "@feedback-chat/protocol/actor";
import {
  isFinal,
  next,
  type Phase,
  resultOf,
  type RunEvent,
  type Stage,
  type WaitingFor,
} from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import type { LockedRun } from "./lock-run.ts";

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
export type Moved = { seq: number; stage: Stage; from: Stage; projectId: string };

/** What else is written in the statement that records an event: one round trip for all of it. */
export type Beside = {
  /** Further `with` queries, each begun by a comma. The project's row may not be among them: it is written here. */
  queries: RawBuilder<unknown>;
  /** What to select at the end: signals, mostly. */
  signals: RawBuilder<unknown>;
  /** Added to the jobs that are at work in the project. */
  runningJobs: number;
};
export const nothingBeside: Beside = { queries: sql``, signals: sql`null`, runningJobs: 0 };

/** Where the event leads. @throws Problem invalid_transition */
export function moveOf(run: LockedRun, { event }: Pick<Happening, "event">): Moved {
  return { seq: Number(run.nextSeq), stage: next(run.stage, event), from: run.stage, projectId: run.projectId };
}

/**
 * Moves a run by one event, in the caller's transaction, which has locked its row: the machine decides, the row and the
 * numbered event are written, readers are woken. The one place that writes `stage`.
 *
 * Order of locks, everywhere: the job's row first, then its run, the project last. A transaction that makes a new
 * job locks the project first and no other job. So nothing waits in a circle.
 * @throws Problem invalid_transition
 */
export async function recordEvent(
  tx: Tx,
  run: LockedRun,
  happening: Happening,
  { queries, signals, runningJobs }: Beside = nothingBeside,
): Promise<Moved> {
  const { runId, projectId } = run;
  const moved = moveOf(run, happening);
  const { stage } = moved;
  const phase = happening.phase === undefined ? run.phase : happening.phase;
  const waitingFor = isFinal(stage) ? null : happening.waitingFor === undefined ? run.waitingFor : happening.waitingFor;
  const isSameStanding = stage === run.stage && waitingFor === run.waitingFor && !beginsAnew(happening, stage);
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
      update fc.projects set next_seq = next_seq + 1, running_jobs = running_jobs + ${runningJobs}::int,
        room_since = case when ${runningJobs}::int < 0 and running_jobs >= max_concurrent_runs then now() else room_since end
      where id = ${projectId}
      returning next_seq - 1 as seq, workspace_id
    ), recorded as (
      insert into fc.run_events (run_id, seq, project_id, project_seq, event_id, from_stage, event, to_stage, phase, waiting_for, reason, detail, attempt, actor)
      select ${runId}, ${run.nextSeq}, ${projectId}, numbered.seq, ${happening.eventId ?? null}, ${run.stage}, ${happening.event}, ${stage},
        ${phase}, ${waitingFor}, ${reason}, ${happening.detail ?? null}, ${happening.attempt}, ${JSON.stringify(happening.actor)}::jsonb
      from numbered
    ) ${queries}
    select pg_notify('fc_runs', concat_ws(' ', ${runId}::uuid, ${projectId}::uuid, workspace_id)), ${signals} from numbered`.execute(
    tx,
  );
  return moved;
}

/** Checks and publishing have a deadline each: what the one took is not missing to the other. */
function beginsAnew({ event, phase }: Happening, stage: Stage): boolean {
  return event === "phase_started" && stage === "validating" && (phase === "validate" || phase === "publish");
}
