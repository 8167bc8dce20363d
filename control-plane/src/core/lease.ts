import { type Phase, phases, type Stage } from "@feedback-chat/protocol/run-machine";

/** What a claim does to the run: a kept tree goes straight to its checks or its publication. */
export function claimEvent(stage: Stage, resumeAt: Phase): "leased" | "resumed" {
  return stage === "validating" || !isBefore(resumeAt, "validate") ? "resumed" : "leased";
}

/** A job that a person reopened gets so many attempts more; a new one begins with as many (the column's default). */
export const freshAttempts = 3;
/** Parking and giving back cost no attempt, so many times. */
export const maxExtraAttempts = 10;

export type LostWork = {
  /** Where this attempt had begun. */
  resumeAt: Phase;
  /** `tree.pack` and `tree.json` are stored. */
  hasTree: boolean;
  /** This tree got a permit, or a person approved it: it may be on GitHub already. */
  isDecided: boolean;
};

/**
 * Where the next attempt begins after an attempt was lost or given back. A tree that was decided on is published as
 * it is, else there would be two; the permit is asked for again all the same. Anything else starts over: nobody
 * knows how far the lost attempt's checks came.
 */
export function resumeAfterLoss({ resumeAt, hasTree, isDecided }: LostWork): Phase {
  if (!hasTree) return "snapshot";
  return isDecided || !isBefore(resumeAt, "hold") ? "publish" : "snapshot";
}

/** Where a parked job goes on: as its worker says, but what is past the checks stays past them. */
export function resumeAfterWait(stage: Stage, asked: Phase): Phase {
  return stage === "validating" && isBefore(asked, "validate") ? "publish" : asked;
}

/** Workers of this and of the previous minor version are served. */
export function isServed(workerVersion: string, ourVersion: string): boolean {
  const [major, minor] = numbersOf(workerVersion);
  const [ourMajor, ourMinor] = numbersOf(ourVersion);
  return major === ourMajor && (minor === ourMinor || minor === ourMinor - 1);
}

function numbersOf(version: string): [number, number] {
  const [major, minor] = version.split(".").map(Number);
  return [major ?? Number.NaN, minor ?? Number.NaN];
}

function isBefore(phase: Phase, other: Phase): boolean {
  return phases.indexOf(phase) < phases.indexOf(other);
}
