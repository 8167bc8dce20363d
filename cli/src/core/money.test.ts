import { describe, expect, it } from "vitest";
import { dollars, parseDollars } from "./money.ts";

describe("money", () => {
  it("shows small amounts with four digits and others with two", () => {
    expect([0, 1_234, 999_999, 2_000_000].map(dollars)).toEqual(["$0.00", "$0.0012", "$1.0000", "$2.00"]);
  });

  it("reads what it may be given, and nothing else", () => {
    expect(parseDollars("0.05")).toBe(50_000);
    expect(parseDollars("0")).toBe(0);
    expect(["-1", "1e3", "a", "", "1.2.3"].map(parseDollars)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
