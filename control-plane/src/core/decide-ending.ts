import { type Actor, systemActor } from "@feedback-chat/protocol/actor";
import type { Figures } from "@feedback-chat/protocol/figures";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Phase, RunEvent, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import type { FailRequest, Outcome, WaitRequest } from "@feedback-chat/protocol/worker";
import { backoffSeconds } from "./backoff.ts";
import type { Deadline } from "./deadlines.ts";
import { resumeAfterLoss, resumeAfterWait } from "./lease.ts";

/** How an attempt ends: as its worker says, or without it. */
export type Ending =
  | { verb: "complete"; outcome: Outcome }
  | { verb: "fail"; body: FailRequest }
  | { verb: "wait"; body: WaitRequest }
  | { verb: "release" }
  | { verb: "lose_lease" }
  | { verb: "overdue"; deadline: Pick<Deadline, "event" | "reason" | "reasonText"> };

/** The job as the ending finds it. */
export type EndingJob = {
  stage: Stage;
  attempt: number;
  maxAttempts: number;
  resumeAt: Phase;
  hasTree: boolean;
  isDecided: boolean;
  isPermitted: boolean;
  hasQuestion: boolean;
  cancel: { actor: Actor; reason: string; then: "cancelled" | "declined" } | null;
};

export type Decision = {
  status: "pending" | "done" | "failed";
  /** Of a pending job: when it may be claimed again; null = parked. */
  delaySeconds: number | null;
  resumeAt: Phase;
  /** Parking and giving back cost no attempt. */
  isFree: boolean;
  event: RunEvent;
  /** Null = the worker. */
  actor: Actor | null;
  waitingFor: WaitingFor | null;
  reason: string | null;
  reasonText: string | null;
};

type Chance = { figures: Pick<Figures, "backoffSeconds">; jitter: number };

/** A stopped GitHub is asked again after so long when it named no time. */
const githubPauseSeconds = 60;

/**
 * What becomes of job and run. A cancel that was asked for comes before everything the worker says.
 * @throws Problem not_permitted, invalid_transition
 */
export function decideEnding(ending: Ending, job: EndingJob, chance: Chance): Decision {
  if (ending.verb === "complete" && ending.outcome.kind === "published" && !job.isPermitted)
    throw new Problem("not_permitted", "No permit was given to this attempt.");
  if (job.cancel) {
    const { actor, reason, then } = job.cancel;
    return over({ event: then, actor, reason });
  }
  switch (ending.verb) {
    case "complete":
      return ending.outcome.kind === "published"
        ? over({ status: "done", event: "published" })
        : over({
            status: "done",
            event: "declined",
            reason: "declined",
            reasonText: ending.outcome.reason,
          });
    case "fail":
      return decideFailure(ending.body, job, chance);
    case "wait":
      return decideWait(ending.body, job);
    case "release":
      return again(job, { event: "released", delaySeconds: 0, isFree: true });
    case "lose_lease":
      return decideLoss(job, chance);
    case "overdue": {
      const { event, reason, reasonText } = ending.deadline;
      return over({ event, actor: systemActor, reason, reasonText });
    }
  }
}

function decideFailure(body: FailRequest, job: EndingJob, { figures, jitter }: Chance): Decision {
  const said = { reason: body.code, reasonText: body.reason };
  if (body.code === "cancelled") return over({ event: "cancelled", ...said });
  if (!body.retryable || job.attempt >= job.maxAttempts) return over({ event: "gave_up", ...said });
  const delaySeconds = body.retryAfterS ?? backoffSeconds(job.attempt, figures, jitter);
  return again(job, { event: "attempt_failed", delaySeconds, ...said });
}

function decideLoss(job: EndingJob, { figures, jitter }: Chance): Decision {
  const actor = systemActor;
  if (job.attempt >= job.maxAttempts) {
    const reasonText = `The worker was lost ${job.attempt} times while it worked on this run.`;
    return over({ event: "gave_up", actor, reason: "attempts_exhausted", reasonText });
  }
  return again(job, {
    event: "lease_lost",
    actor,
    delaySeconds: backoffSeconds(job.attempt, figures, jitter),
  });
}

function decideWait(body: WaitRequest, job: EndingJob): Decision {
  const waiting = {
    status: "pending" as const,
    delaySeconds: null,
    resumeAt: resumeAfterWait(job.stage, body.resumeAt),
    isFree: true,
    actor: null,
    waitingFor: body.for,
    reason: body.for === "credential" ? (body.code ?? null) : null,
    reasonText: body.reason ?? null,
  };
  switch (body.for) {
    case "reporter":
      if (job.hasQuestion || !body.question)
        throw new Problem(
          "invalid_transition",
          "A run asks one question, with a text; this run asked before, or the text is missing.",
        );
      return { ...waiting, event: "asked" };
    case "approval":
      return { ...waiting, event: "held" };
    case "github":
      return { ...waiting, event: "parked", delaySeconds: body.untilSeconds ?? githubPauseSeconds };
    case "budget":
    case "credential":
      return { ...waiting, event: "parked" };
  }
}

const nothingSaid = { actor: null, waitingFor: null, reason: null, reasonText: null };

function over(said: Partial<Decision> & { event: RunEvent }): Decision {
  return {
    ...nothingSaid,
    status: "failed",
    delaySeconds: null,
    resumeAt: "snapshot",
    isFree: false,
    ...said,
  };
}

function again(job: EndingJob, said: Partial<Decision> & { event: RunEvent; delaySeconds: number }): Decision {
  return {
    ...nothingSaid,
    status: "pending",
    resumeAt: resumeAfterLoss(job),
    isFree: false,
    waitingFor: "worker",
    ...said,
  };
}
