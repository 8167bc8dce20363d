import type { Figures } from "@feedback-chat/protocol/figures";
import type { RunEvent, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";

/** Every way in which a run stands too long, counted from `standing_since` by the database's clock. */
export type Deadline = {
  stages: Stage[];
  waitingFor: WaitingFor | "nobody";
  /** Under a lease, or while nobody holds the job. */
  isLeased: boolean;
  seconds: (figures: Figures) => number;
  /** The minutes that the project gives its agent come on top. */
  isBesideBudget?: true;
  event: RunEvent;
  reason: string;
  reasonText: string;
};

export const deadlines: Deadline[] = [
  {
    stages: ["queued", "validating"],
    waitingFor: "worker",
    isLeased: false,
    seconds: (figures) => figures.noWorkerSeconds,
    event: "gave_up",
    reason: "no_worker",
    reasonText: "No worker took this run in time. Start one with `feedback-chat worker`, then retry.",
  },
  {
    stages: ["queued"],
    waitingFor: "reporter",
    isLeased: false,
    seconds: (figures) => figures.noAnswerSeconds,
    event: "gave_up",
    reason: "no_answer",
    reasonText: "The question was not answered in time.",
  },
  {
    stages: ["validating"],
    waitingFor: "approval",
    isLeased: false,
    seconds: (figures) => figures.holdSeconds,
    event: "expired",
    reason: "expired",
    reasonText: "Nobody approved the change in time.",
  },
  {
    // The worker ends its agent by its own clock; this is for a worker that hangs and renews all the same.
    stages: ["running"],
    waitingFor: "nobody",
    isLeased: true,
    seconds: (figures) => figures.preparationSeconds,
    isBesideBudget: true,
    event: "gave_up",
    reason: "run_timeout",
    reasonText: "The worker did not come to an end in time. Look at its log, then retry.",
  },
  {
    // Of the checks, and of publishing: `standing_since` moves when either begins.
    stages: ["validating"],
    waitingFor: "nobody",
    isLeased: true,
    seconds: (figures) => figures.validationSeconds,
    event: "gave_up",
    reason: "validation_timeout",
    reasonText:
      "The checks, or publishing after them, took too long. Look at the log, and at GitHub for the run's branch, then retry.",
  },
];

type Wait = { stage: Stage; waitingFor: WaitingFor; seconds: number };

/** The deadlines of what waits for somebody, as rows. */
export function deadlinesOfWaits(figures: Figures): Wait[] {
  return deadlines.flatMap(({ stages, waitingFor, seconds }) =>
    waitingFor === "nobody" ? [] : stages.map((stage) => ({ stage, waitingFor, seconds: seconds(figures) })),
  );
}

/** After how long such a wait ends by itself; null if never. */
export function endsAfterSeconds(figures: Figures, stage: Stage, waitingFor: WaitingFor): number | null {
  const wait = deadlinesOfWaits(figures).find((one) => one.stage === stage && one.waitingFor === waitingFor);
  return wait?.seconds ?? null;
}
