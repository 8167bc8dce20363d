import type { Evidence } from "@feedback-chat/protocol/evidence";
import { describe, expect, it } from "vitest";
import { renderEvidence } from "./render-evidence.ts";

const result = (outcome: "passed" | "failed" | "timed_out", durationMs = 700) => ({
  outcome,
  durationMs,
  outputTail: "",
});
const whole: Evidence = {
  schemaVersion: 1,
  asked: {
    issueNumber: 7,
    title: "The total is wrong",
    hiddenRemoved: 0,
    snapshotSha256: "0".repeat(64),
    wasCut: false,
  },
  done: {
    summary: "Multiplies.\n\nAdds a test.",
    isUnfinished: false,
    unfinishedBecause: null,
    baseSha: "a",
    treeId: "b",
    files: [{ path: "src/cart.js", change: "modified", addedLines: 2, removedLines: 1 }],
    ignoredFiles: 0,
  },
  checked: {
    checks: [{ name: "test", command: ["npm", "test"], base: result("failed"), head: result("passed") }],
    isBuilt: true,
    note: null,
    installScripts: [],
  },
  flagged: [{ level: "flag", code: "x", path: "src/cart.js", line: 3, detail: "A new address." }],
  spent: { costMicroUsd: 46_320, inputTokens: 35_500, outputTokens: 740, agentMs: 4_000, totalMs: 12_345 },
};

describe("renderEvidence", () => {
  it("says what was asked, done, checked before and after, flagged and spent", () => {
    expect(renderEvidence(whole)).toEqual([
      "asked    #7 The total is wrong",
      "done     Multiplies. Adds a test.",
      "         modified src/cart.js (+2 -1)",
      "checked  test: failed before, passed after, 700 ms",
      "flag     src/cart.js:3 A new address.",
      "spent    $0.0463, 36240 tokens, 12.3 s",
    ]);
  });

  it("says that nothing was checked, and that the work is unfinished", () => {
    const lines = renderEvidence({
      ...whole,
      done: { ...whole.done, isUnfinished: true, unfinishedBecause: "budget", files: [] },
      checked: { checks: [], isBuilt: false, note: "There is no test script.", installScripts: [] },
    });
    expect(lines).toContain("done     (unfinished: budget) Multiplies. Adds a test.");
    expect(lines).toContain("checked  nothing: the project names no check");
    expect(lines).toContain("         There is no test script.");
  });

  it("says only what is known of a check that ran on the change alone, in words", () => {
    const checks = [{ name: "test", command: ["t"], base: null, head: result("timed_out", 90_000) }];
    const lines = renderEvidence({ ...whole, checked: { ...whole.checked, checks } });
    expect(lines).toContain("checked  test: timed out after, 1 min 30 s");
  });

  it("lets no title and no file name forge a line, and cuts what is endless", () => {
    const forged = "x\nchecked  test: failed before, passed after, 1 ms";
    const files = [{ path: forged, change: "added", addedLines: 1, removedLines: 0 }] as const;
    const lines = renderEvidence({
      ...whole,
      asked: { ...whole.asked, title: forged },
      done: { ...whole.done, summary: "long ".repeat(1_000), files: [...files] },
    });
    expect(lines.filter((line) => line.startsWith("checked"))).toHaveLength(1);
    for (const line of lines) expect(line).not.toContain("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(220);
  });
});
