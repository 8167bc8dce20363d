import { isProblem } from "@feedback-chat/protocol/problem";
import { moves, next, phases, runEvents, type Stage, waitingForValues } from "@feedback-chat/protocol/run-machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Decision, decideEnding, type Ending, type EndingJob } from "./decide-ending.ts";

const job: EndingJob = {
  stage: "running",
  attempt: 1,
  maxAttempts: 3,
  resumeAt: "snapshot",
  hasTree: false,
  isDecided: false,
  isPermitted: false,
  hasQuestion: false,
  cancel: null,
};
const chance = { figures: { backoffSeconds: 5 }, jitter: 0.5 };
const published = {
  kind: "published" as const,
  prNumber: 1,
  prUrl: "https://x/1",
  headSha: "a",
  isDraft: true,
};

const endings: fc.Arbitrary<Ending> = fc.oneof(
  fc.constant<Ending>({ verb: "release" }),
  fc.constant<Ending>({ verb: "lose_lease" }),
  fc.constant<Ending>({ verb: "complete", outcome: published }),
  fc.constant<Ending>({ verb: "complete", outcome: { kind: "declined", reason: "no" } }),
  fc.boolean().map((retryable): Ending => ({
    verb: "fail",
    body: { code: "clone", reason: "x", retryable },
  })),
  fc.tuple(fc.constantFrom(...waitingForValues), fc.constantFrom(...phases)).map(([reason, resumeAt]): Ending => ({
    verb: "wait",
    body: { for: reason === "worker" ? "github" : reason, question: "Which?", resumeAt },
  })),
);
const jobs: fc.Arbitrary<EndingJob> = fc.record({
  stage: fc.constantFrom<Stage>("running", "validating"),
  attempt: fc.integer({ min: 1, max: 5 }),
  maxAttempts: fc.integer({ min: 3, max: 5 }),
  resumeAt: fc.constantFrom(...phases),
  hasTree: fc.boolean(),
  isDecided: fc.boolean(),
  isPermitted: fc.boolean(),
  hasQuestion: fc.boolean(),
  cancel: fc.constantFrom<EndingJob["cancel"][]>(null, {
    actor: { kind: "system", id: null },
    reason: "cancelled",
    then: "cancelled",
  }),
});

describe("the ending of an attempt", () => {
  it("is a legal move of the machine, or a problem that changes nothing", () => {
    fc.assert(
      fc.property(endings, jobs, (ending, before) => {
        const decision = decide(ending, before);
        if (!decision || !moves[before.stage][decision.event]) return;
        const stage = next(before.stage, decision.event);
        // A job that may be claimed again belongs to a run that goes on; one that is over to a run that does not.
        expect(decision.status === "pending").toBe(stage === "queued" || stage === "validating");
      }),
      { numRuns: 2_000 },
    );
  });

  it("is the cancel, once one was asked for, whatever else is said", () => {
    fc.assert(
      fc.property(endings, jobs, (ending, before) => {
        const decision = decide(ending, {
          ...before,
          isPermitted: true,
          cancel: { actor: { kind: "system", id: null }, reason: "x", then: "declined" },
        });
        expect(decision).toMatchObject({ status: "failed", event: "declined", reason: "x" });
      }),
    );
  });

  it("gives a lost attempt back until the last, then ends", () => {
    expect(decideEnding({ verb: "lose_lease" }, { ...job, attempt: 2 }, chance)).toMatchObject({
      event: "lease_lost",
      delaySeconds: 10,
      isFree: false,
    });
    expect(decideEnding({ verb: "lose_lease" }, { ...job, attempt: 3 }, chance)).toMatchObject({
      status: "failed",
      reason: "attempts_exhausted",
    });
  });

  it("asks one question a run, with a text", () => {
    const ask: Ending = {
      verb: "wait",
      body: { for: "reporter", question: "Which?", resumeAt: "agent" },
    };
    expect(decideEnding(ask, job, chance)).toMatchObject({
      event: "asked",
      delaySeconds: null,
      isFree: true,
    });
    expect(() => decideEnding(ask, { ...job, hasQuestion: true }, chance)).toThrow("one question");
    expect(() => decideEnding({ verb: "wait", body: { for: "reporter", resumeAt: "agent" } }, job, chance)).toThrow(
      "one question",
    );
  });

  it("publishes nothing without the attempt's permit", () => {
    const ending: Ending = { verb: "complete", outcome: published };
    expect(() => decideEnding(ending, { ...job, stage: "validating" }, chance)).toThrow("No permit");
  });

  it("uses no event that the protocol does not know", () => {
    fc.assert(
      fc.property(endings, jobs, (ending, before) => {
        const decision = decide(ending, before);
        if (decision) expect(runEvents).toContain(decision.event);
      }),
    );
  });
});

function decide(ending: Ending, before: EndingJob): Decision | null {
  try {
    return decideEnding(ending, before, chance);
  } catch (error) {
    if (isProblem(error, "not_permitted") || isProblem(error, "invalid_transition")) return null;
    throw error;
  }
}
