import { Problem } from "./problem.ts";

/** What a user knows of a run. */
export const stages = [
  "created",
  "queued",
  "running",
  "validating",
  "preview_ready",
  "deployed",
  "failed",
  "rejected",
] as const;
export type Stage = (typeof stages)[number];

/** Everything that can happen to a run. Most move it; the rest are noted where it stands. */
export const runEvents = [
  "admitted", "leased", "resumed", "phase_started", "parked", "unparked", "collected", "fix_round", "held", "approved",
  "published", "previewed", "deployed", "asked", "answered", "changes_requested", "attempt_failed", "lease_lost",
  "released", "issue_edited", "cancel_requested", "cancelled", "gave_up", "declined", "expired", "retried",
  "merge_refused", "question_released",
] as const; // prettier-ignore
export type RunEvent = (typeof runEvents)[number];

/** Steps of the pipeline, in order; `hold` and later may be entered by a resumed claim. */
export const phases = [
  "gate",
  "snapshot",
  "clone",
  "deps",
  "agent",
  "collect",
  "validate",
  "hold",
  "publish",
  "follow",
] as const;
export type Phase = (typeof phases)[number];

export const waitingForValues = ["worker", "approval", "reporter", "budget", "github", "credential"] as const;
export type WaitingFor = (typeof waitingForValues)[number];

export const results = ["success", "failed", "rejected"] as const;
export type Result = (typeof results)[number];

/** Every legal move of a run. The first migration holds the same rows in `run_moves`; a test compares them. */
export const moves: Record<Stage, Partial<Record<RunEvent, Stage>>> = {
  created: { admitted: "queued", declined: "rejected" },
  queued: {
    leased: "running", resumed: "validating", parked: "queued", unparked: "queued", answered: "queued",
    question_released: "queued", issue_edited: "queued", cancel_requested: "queued", cancelled: "failed", gave_up: "failed", declined: "rejected",
  }, // prettier-ignore
  running: {
    phase_started: "running", collected: "validating", asked: "queued", parked: "queued", attempt_failed: "queued",
    lease_lost: "queued", released: "queued", issue_edited: "running", cancel_requested: "running",
    cancelled: "failed", gave_up: "failed", declined: "rejected",
  }, // prettier-ignore
  validating: {
    phase_started: "validating", resumed: "validating", fix_round: "running", held: "validating", approved: "validating",
    parked: "validating", unparked: "validating", published: "preview_ready", attempt_failed: "queued",
    lease_lost: "queued", released: "queued", changes_requested: "queued", issue_edited: "validating",
    cancel_requested: "validating", cancelled: "failed", gave_up: "failed", declined: "rejected", expired: "rejected",
  }, // prettier-ignore
  preview_ready: {
    previewed: "preview_ready", approved: "preview_ready", changes_requested: "queued", deployed: "deployed",
    declined: "rejected", issue_edited: "preview_ready", merge_refused: "preview_ready",
  }, // prettier-ignore
  deployed: {},
  failed: { declined: "rejected", retried: "failed" },
  rejected: { retried: "rejected" },
};

/** @throws Problem invalid_transition, naming the events that are allowed now. */
export function next(stage: Stage, event: RunEvent): Stage {
  const to = moves[stage][event];
  if (!to) {
    const allowed = Object.keys(moves[stage]);
    throw new Problem(
      "invalid_transition",
      `${event} is not possible in ${stage}; allowed: ${allowed.join(", ") || "nothing"}.`,
      { facts: { stage, allowed } },
    );
  }
  return to;
}

/** A run that no machine works on any more. `retry` makes a new run of it. */
export function isFinal(stage: Stage): boolean {
  return stage === "deployed" || stage === "failed" || stage === "rejected";
}

/** Final, or waiting for nothing but a person's look at the pull request: what `logs --follow` ends on. */
export function isSettled(stage: Stage): boolean {
  return isFinal(stage) || stage === "preview_ready";
}

/** Not null exactly for final stages. */
export function resultOf(stage: Stage): Result | null {
  if (stage === "deployed") return "success";
  return stage === "failed" || stage === "rejected" ? stage : null;
}

/** What people do to a run. */
export const actions = ["retry", "approve", "reject", "request_changes", "answer", "cancel"] as const;
export type Action = (typeof actions)[number];

type Standing = { stage: Stage; waitingFor: WaitingFor | null };

/** The actions that are possible now, in the order in which a person would want them. */
export function allowedActions({ stage, waitingFor }: Standing): Action[] {
  return actions.filter((action) => {
    switch (action) {
      case "retry":
        return stage === "failed" || stage === "rejected";
      case "approve":
      case "request_changes":
        return isHeld({ stage, waitingFor }) || stage === "preview_ready";
      case "answer":
        return stage === "queued" && waitingFor === "reporter";
      case "cancel":
        return stage === "queued" || stage === "running" || stage === "validating";
      case "reject":
        return stage !== "deployed" && stage !== "rejected";
    }
  });
}

/** Stopped before the push until a person approves. */
export function isHeld({ stage, waitingFor }: Standing): boolean {
  return stage === "validating" && waitingFor === "approval";
}

/** Exit code of a followed run: 0 done, 8 waits for a person, 1 failed or rejected. */
export function exitCodeOf({ stage, waitingFor }: Standing): 0 | 1 | 8 {
  if (stage === "preview_ready" || stage === "deployed") return 0;
  if (stage === "failed" || stage === "rejected") return 1;
  return waitingFor === null || waitingFor === "worker" ? 1 : 8;
}
