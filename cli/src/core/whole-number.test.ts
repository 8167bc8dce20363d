import { describe, expect, it } from "vitest";
import { wholeNumber } from "./whole-number.ts";

describe("wholeNumber", () => {
  it("takes its bounds and what lies between", () => {
    expect(["0", "80", "65535"].map((text) => wholeNumber("--port", text, [0, 65_535]))).toEqual([0, 80, 65_535]);
  });

  it.each(["", "-1", "1.5", "1e3", "0x10", "many", "65536", " 1"])("refuses %j, naming the flag", (text) => {
    expect(() => wholeNumber("--port", text, [0, 65_535])).toThrow(
      `--port is a whole number from 0 to 65535, not "${text}".`,
    );
  });
});
