import { describe, expect, it } from "vitest";
import { progressBar } from "./progress-bar.ts";

describe("progressBar", () => {
  it("fills with what is done", () => {
    expect(progressBar(0, 370)).toBe("[------------------------]   0 %");
    expect(progressBar(185, 370)).toBe("[############------------]  50 %");
  });

  it("is never full before the end, however wrong the guess was", () => {
    expect(progressBar(900, 370)).toBe("[#######################-]  99 %");
  });
});
