import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failsAlike } from "./same-failure.ts";

const failed = (said: string) => ({ outcome: "failed", said });

/** As the runners print them, with what changes from run to run. */
const pairs: [string, string, string][] = [
  [
    "vitest",
    " ❯ src/cart.test.ts (2 tests | 1 failed) 12ms\n   × src/cart.test.ts > adds 4ms\n     → expected 3 to be 4\n ❯ src/cart.test.ts:12:5\n     12|   expect(a).toBe(4)\n Tests  1 failed | 1 passed (2)\n   Start at  10:11:12\n   Duration  1.02s (transform 40ms)",
    " ❯ src/cart.test.ts (3 tests | 1 failed) 9ms\n   × src/cart.test.ts > adds 1ms\n     → expected 3 to be 4\n   ✓ src/cart.test.ts > is new 1ms\n ❯ src/cart.test.ts:19:5\n     19|   expect(a).toBe(4)\n Tests  1 failed | 2 passed (3)\n   Start at  11:00:01\n   Duration  900ms (transform 10ms)",
  ],
  [
    "node:test",
    "not ok 1 - adds\n  ---\n  duration_ms: 1.24\n  location: '/work/a.test.js:3:1'\n# tests 2\n# pass 1\n# fail 1",
    "ok 1 - is new\n  duration_ms: 0.4\nnot ok 2 - adds\n  ---\n  duration_ms: 3.5\n  location: '/work/a.test.js:9:1'\n# tests 3\n# pass 2\n# fail 1",
  ],
  [
    "jest",
    "FAIL src/a.test.js (5.1 s)\n  ✕ adds (3 ms)\n  > 12 | expect(1).toBe(2)\nTests:       1 failed, 1 passed, 2 total\nTime:        0.4 s",
    "\u001b[31mFAIL\u001b[39m src/a.test.js\u001b[0m (7 s)\n  ✕ adds (11 ms)\n  > 14 | expect(1).toBe(2)\nTests:       1 failed, 2 passed, 3 total\nTime:        3.4 s",
  ],
  [
    "eslint",
    "/work/src/a.js\n  12:5  error  'x' is not defined  no-undef\n✖ 1 problem (1 error, 0 warnings)",
    "/work/src/a.js\n  14:5  error  'x' is not defined  no-undef\n✖ 1 problem (1 error, 0 warnings)",
  ],
  ["tsc", "src/a.ts(3,4): error TS2304: no x.", "src/a.ts(8,4): error TS2304: no x."],
  ["a missing program", "sh: 1: eslint: not found", "sh: 1: eslint: not found"],
];

describe("failsAlike", () => {
  it.each(pairs)("sees one reason in two runs of %s", (_, base, head) => {
    expect(failsAlike(failed(base), failed(head))).toBe(true);
  });

  it.each([
    ["another value", "→ expected 3 to be 4", "→ expected 5 to be 4"],
    ["another duration that is compared", "Expected: 5 h\nReceived: 6 h", "Expected: 5 h\nReceived: 7 h"],
    ["another test", "× adds 4ms", "× adds 4ms\n× subtracts 1ms"],
    ["more failures than before", "Tests: 1 failed, 3 total", "Tests: 2 failed, 3 total"],
    ["more errors", "✖ 1 problem (1 error, 0 warnings)", "✖ 2 problems (2 errors, 0 warnings)"],
    [
      "the same words once more",
      "src/a.ts(3,5): error TS2304: no x.",
      "src/a.ts(3,5): error TS2304: no x.\nsrc/a.ts(90,5): error TS2304: no x.",
    ],
    ["a runner's banner alone", " RUN v3.2.4 /work\n × adds\n 1 failed", " RUN v3.2.4 /work"],
    ["the head of a protocol alone", "TAP version 13\nnot ok 1 - adds", "TAP version 13"],
    ["another value in brackets", "Error: received (3)", "Error: received (4)"],
    ["no word", "", ""],
    ["a word where the base had none", "", "boom"],
  ])("sees two reasons in %s", (_, base, head) => {
    expect(failsAlike(failed(base), failed(head))).toBe(false);
  });

  it("takes a part of the base's failures for the same reason", () => {
    expect(failsAlike(failed("× adds 4ms\n× rounds\n2 failed"), failed("× rounds\n1 failed"))).toBe(true);
  });

  it("compares how the check ended", () => {
    expect(failsAlike({ outcome: "timed_out", said: "" }, failed("x"))).toBe(false);
    expect(failsAlike({ outcome: "passed", said: "x" }, failed("x"))).toBe(false);
    expect(failsAlike({ outcome: "timed_out", said: "a" }, { outcome: "timed_out", said: "b" })).toBe(false);
  });

  const word = fc.stringMatching(/^[a-z]{4,12}$/);
  const complaint = fc.tuple(word, word).map(([a, b]) => `× ${a} > ${b}`);
  const complaints = fc.uniqueArray(complaint, { minLength: 1, maxLength: 8 });

  it("does not care for order, durations, colors and what passed (property)", () => {
    fc.assert(
      fc.property(complaints, fc.infiniteStream(fc.nat({ max: 99_999 })), word, (lines, numbers, passed) => {
        const next = () => numbers.next().value ?? 0;
        const base = lines.map((line) => `${line} ${next()}ms`);
        const head = lines.map((line) => `\u001b[31m${line}\u001b[39m ${next() / 100} s`).toReversed();
        const said = [...head, `✓ ${passed} ${next()}ms`, `   Duration  ${next()}ms`].join("\n");
        expect(failsAlike(failed(base.join("\n")), failed(said))).toBe(true);
      }),
    );
  });

  it("notices every complaint that the base has not (property)", () => {
    fc.assert(
      fc.property(complaints, complaint, fc.nat({ max: 8 }), (lines, added, at) => {
        fc.pre(!lines.includes(added));
        const head = lines.toSpliced(at, 0, added);
        expect(failsAlike(failed(lines.join("\n")), failed(head.join("\n")))).toBe(false);
      }),
    );
  });
});
