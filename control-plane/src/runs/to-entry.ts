import type { Actor } from "@feedback-chat/protocol/actor";
import type { RunEventEntry } from "@feedback-chat/protocol/run";
import type { Phase, RunEvent, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { wireActor } from "../core/wire-actor.ts";

export type EventRow = {
  run_id: string;
  seq: string;
  project_seq: string;
  created_at: Date;
  event: RunEvent;
  from_stage: Stage;
  to_stage: Stage;
  phase: Phase | null;
  waiting_for: WaitingFor | null;
  reason: string | null;
  detail: string | null;
  attempt: number;
  actor: Actor;
};

/** One numbered entry of a run's timeline. */
export function toEntry(row: EventRow): RunEventEntry {
  return {
    seq: Number(row.seq),
    at: row.created_at.toISOString(),
    event: row.event,
    fromStage: row.from_stage,
    stage: row.to_stage,
    phase: row.phase,
    waitingFor: row.waiting_for,
    reason: row.reason,
    detail: row.detail,
    attempt: row.attempt,
    actor: wireActor(row.actor),
  };
}
