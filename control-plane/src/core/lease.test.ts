import { phases, stages } from "@feedback-chat/protocol/run-machine";
import { describe, expect, it } from "vitest";
import { backoffSeconds } from "./backoff.ts";
import { claimEvent, isServed, resumeAfterLoss, resumeAfterWait } from "./lease.ts";

describe("where an attempt begins", () => {
  it("starts over when the tree is missing, whatever was decided", () => {
    for (const resumeAt of phases)
      expect(resumeAfterLoss({ resumeAt, hasTree: false, isDecided: true })).toBe("snapshot");
  });

  it("starts over when nothing was decided on the tree, and publishes a tree that was", () => {
    expect(resumeAfterLoss({ resumeAt: "snapshot", hasTree: true, isDecided: false })).toBe("snapshot");
    expect(resumeAfterLoss({ resumeAt: "snapshot", hasTree: true, isDecided: true })).toBe("publish");
    expect(resumeAfterLoss({ resumeAt: "publish", hasTree: true, isDecided: false })).toBe("publish");
  });

  it("never goes back behind the checks from a park in validating", () => {
    for (const asked of phases)
      expect(["validate", "hold", "publish", "follow"]).toContain(resumeAfterWait("validating", asked));
    expect(resumeAfterWait("running", "agent")).toBe("agent");
  });

  it("claims into validating for what is past collect, else into running", () => {
    expect(claimEvent("queued", "snapshot")).toBe("leased");
    expect(claimEvent("queued", "publish")).toBe("resumed");
    for (const stage of stages) if (stage === "validating") expect(claimEvent(stage, "snapshot")).toBe("resumed");
  });
});

describe("the backoff", () => {
  it("doubles with each attempt, within 20 %", () => {
    const figures = { backoffSeconds: 5 };
    expect([1, 2, 3].map((attempt) => backoffSeconds(attempt, figures, 0.5))).toEqual([5, 10, 20]);
    expect(backoffSeconds(1, figures, 0)).toBeCloseTo(4);
    expect(backoffSeconds(1, figures, 1)).toBeCloseTo(6);
  });
});

describe("worker versions", () => {
  it.each([
    ["1.4.0", true],
    ["1.3.9", true],
    ["1.2.0", false],
    ["1.5.0", false],
    ["0.4.0", false],
    ["1.4.0-next.1", true],
  ])("%s against 1.4.2: %s", (version, served) => {
    expect(isServed(version, "1.4.2")).toBe(served);
  });
});
