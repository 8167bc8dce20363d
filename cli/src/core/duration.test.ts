import { describe, expect, it } from "vitest";
import { duration } from "./duration.ts";

describe("duration", () => {
  it.each([
    [0, "0 ms"],
    [849.6, "850 ms"],
    [999.9, "1.0 s"],
    [1_000, "1.0 s"],
    [12_340, "12.3 s"],
    [59_990, "1 min 0 s"],
    [60_000, "1 min 0 s"],
    [119_700, "2 min 0 s"],
    [245_000, "4 min 5 s"],
  ])("says %d ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
