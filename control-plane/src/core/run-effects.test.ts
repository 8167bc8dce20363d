import { describe, expect, it } from "vitest";
import { effectsOf, type Move } from "./run-effects.ts";

const move: Move = {
  from: "running", event: "phase_started", stage: "running", reason: null, reasonText: null, waitingFor: null,
  branch: "feedback/issue-1-abcdef", prNumber: null, wasPermitted: false,
}; // prettier-ignore
const kindsOf = (change: Partial<Move>) => effectsOf({ ...move, ...change }).map(({ kind }) => kind);

describe("what a move does outside", () => {
  it("touches nothing while the stage stays", () => {
    expect(kindsOf({})).toEqual([]);
  });

  it("tells people when it waits for them or failed, and not when it waits for GitHub", () => {
    expect(kindsOf({ from: "validating", event: "held", stage: "validating" })).toEqual(["notice_held"]);
    expect(kindsOf({ event: "asked", stage: "queued", waitingFor: "reporter" })).toEqual([
      "issue_labels",
      "notice_waiting",
    ]);
    expect(kindsOf({ event: "parked", stage: "queued", waitingFor: "github" })).toEqual(["issue_labels"]);
    expect(kindsOf({ event: "gave_up", stage: "failed", reason: "clone" })).toEqual(["issue_labels", "notice_failed"]);
  });

  it("takes back what a stopped run may have pushed, but only its own", () => {
    expect(kindsOf({ event: "cancelled", stage: "failed" })).toEqual(["issue_labels"]);
    expect(kindsOf({ event: "cancelled", stage: "failed", wasPermitted: true })).toEqual([
      "issue_labels",
      "delete_branch",
      "sweep_branch",
    ]);
    expect(kindsOf({ from: "preview_ready", event: "declined", stage: "rejected", prNumber: 4, wasPermitted: true })).toEqual([
      "issue_labels", "close_issue", "close_pull", "delete_branch",
    ]); // prettier-ignore
  });

  it("takes back what a lost worker may have pushed, when no other one could tell of it; other failures stay for a look", () => {
    const gaveUp = { event: "gave_up", stage: "failed", wasPermitted: true } as const;
    expect(kindsOf({ ...gaveUp, reason: "attempts_exhausted" })).toEqual([
      "issue_labels",
      "notice_failed",
      "delete_branch",
      "sweep_branch",
    ]);
    expect(kindsOf({ ...gaveUp, reason: "attempts_exhausted", wasPermitted: false })).not.toContain("delete_branch");
    expect(kindsOf({ ...gaveUp, reason: "github" })).not.toContain("delete_branch");
  });

  it("sweeps again for what a publisher at work may push after the end", () => {
    const atWork = { from: "validating", wasPermitted: true } as const;
    expect(kindsOf({ ...atWork, event: "declined", stage: "rejected" })).toContain("sweep_branch");
    const late = { ...atWork, event: "gave_up", stage: "failed", reason: "validation_timeout" } as const;
    expect(kindsOf(late)).toContain("sweep_branch");
    expect(kindsOf({ ...late, wasPermitted: false })).not.toContain("sweep_branch");
    for (const from of ["preview_ready", "failed"] as const)
      expect(kindsOf({ ...atWork, from, event: "declined", stage: "rejected" })).not.toContain("sweep_branch");
  });

  it.each(["queued", "running"] as const)(
    "sweeps a run rejected while %s, whose publisher lost its lease and may still push",
    (from) => {
      const rejected = { from, event: "declined", stage: "rejected" } as const;
      expect(kindsOf({ ...rejected, wasPermitted: true })).toContain("sweep_branch");
      expect(kindsOf(rejected)).not.toContain("sweep_branch");
    },
  );

  it("touches nothing of an issue whose run was not admitted", () => {
    expect(kindsOf({ from: "queued", event: "declined", stage: "rejected", reason: "not_admitted" })).toEqual([]);
  });
});
