import { describe, expect, it } from "vitest";
import { retryDelayMs } from "./call-model.ts";

const now = new Date("2026-11-21T12:00:00Z");
const asked = (value: string | undefined, attempt = 1) =>
  retryDelayMs(attempt, { headers: value === undefined ? {} : { "retry-after": value } }, now);

describe("how long to wait for the model", () => {
  it("is what it asks for, in seconds or as a date", () => {
    expect(asked("0")).toBe(0);
    expect(asked("90")).toBe(90_000);
    expect(asked("1.5")).toBe(1_500);
    expect(asked("Sat, 21 Nov 2026 12:02:00 GMT")).toBe(120_000);
    expect(asked("Sat, 21 Nov 2026 11:00:00 GMT")).toBe(0);
  });

  it("is our own pace from the fourth time on, where it always says at once", () => {
    expect([3, 4, 7, 12].map((attempt) => asked("0", attempt))).toEqual([0, 4_000, 30_000, 30_000]);
    expect(asked("Sat, 21 Nov 2026 11:00:00 GMT", 7)).toBe(30_000);
    expect(asked("90", 7)).toBe(90_000);
  });

  it("doubles from half a second to 30 where it says nothing that can be read", () => {
    for (const words of [undefined, "", "soon", "-5", "2026-11-21", "NaN", "Infinity"]) expect(asked(words)).toBe(500);
    expect([2, 3, 7, 12].map((attempt) => asked(undefined, attempt))).toEqual([1_000, 2_000, 30_000, 30_000]);
  });
});
