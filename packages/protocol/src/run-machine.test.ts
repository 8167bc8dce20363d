import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isProblem } from "./problem.ts";
import {
  actions,
  allowedActions,
  exitCodeOf,
  isFinal,
  moves,
  next,
  resultOf,
  type RunEvent,
  runEvents,
  type Stage,
  stages,
  waitingForValues,
} from "./run-machine.ts";

const legal = (stage: Stage) => Object.keys(moves[stage]) as RunEvent[];

describe("the run's machine", () => {
  it("leads every walk of legal events through known stages, and refuses every other event by name", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (choices) => {
        let stage: Stage = "created";
        for (const choice of choices) {
          const open = legal(stage);
          for (const event of runEvents.filter((one) => !open.includes(one))) {
            expect(() => next(stage, event)).toThrow(`${event} is not possible in ${stage}`);
          }
          if (open.length === 0) return;
          stage = next(stage, open[choice % open.length]!);
          expect(stages).toContain(stage);
        }
      }),
    );
  });

  it("reaches every stage, and leaves no final one but by a person's act", () => {
    const reached = new Set<Stage>(["created"]);
    for (const stage of reached) for (const event of legal(stage)) reached.add(next(stage, event));
    expect([...reached].toSorted()).toEqual([...stages].toSorted());
    expect(legal("deployed")).toEqual([]);
    for (const stage of ["failed", "rejected"] as const) {
      expect(legal(stage).filter((event) => !["declined", "retried"].includes(event))).toEqual([]);
    }
  });

  it("names what is allowed when it refuses", () => {
    try {
      next("deployed", "leased");
      expect.unreachable();
    } catch (error) {
      expect(isProblem(error, "invalid_transition") && error.facts).toEqual({ stage: "deployed", allowed: [] });
    }
  });

  it("has a result exactly where a run is final", () => {
    for (const stage of stages) expect(resultOf(stage) !== null).toBe(isFinal(stage));
  });

  it("offers every action somewhere, and none on a deployed run", () => {
    const standings = stages.flatMap((stage) =>
      [null, ...waitingForValues].map((waitingFor) => ({ stage, waitingFor })),
    );
    expect(new Set(standings.flatMap(allowedActions))).toEqual(new Set(actions));
    expect(allowedActions({ stage: "deployed", waitingFor: null })).toEqual([]);
    expect(allowedActions({ stage: "validating", waitingFor: null })).not.toContain("approve");
  });

  it("ends a followed run with 0 for a pull request, 8 for a person's turn, 1 for a failure", () => {
    expect(exitCodeOf({ stage: "preview_ready", waitingFor: null })).toBe(0);
    expect(exitCodeOf({ stage: "validating", waitingFor: "approval" })).toBe(8);
    expect(exitCodeOf({ stage: "failed", waitingFor: null })).toBe(1);
  });
});
