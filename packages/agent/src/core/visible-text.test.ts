import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visibleText } from "./visible-text.ts";

const longest = 40_000;
const filled = (unit: string) => unit.repeat(Math.ceil(longest / unit.length)).slice(0, longest);
/** Of the processor: how busy the machine is does not count. */
const msFor = (text: string): number => {
  const start = process.cpuUsage();
  const once = visibleText(text, 20_000);
  const { user, system } = process.cpuUsage(start);
  const tookMs = (user + system) / 1_000;
  expect(visibleText(once.text, 20_000).text).toBe(once.text);
  return tookMs;
};
/** Some times what the slowest of these takes of a processor on a machine of two cores. */
const patienceMs = 4_000;

describe("the time for the longest text", () => {
  it.each([
    ["headings with a line below", "a\n=\n"],
    ["lists in lists on a line", "- - - - a\n"],
    ["numbers in numbers", "1) 1) 1) a\n"],
    ["a list in each item", "- a\n    - b\n"],
    ["quotes that go on without a mark", "> a\nb\n"],
    ["items", "- a\n"],
    ["items with a blank line", "- a\n\n"],
    ["quotes in quotes", ">>>> a\n"],
    ["rules", "---\n"],
    ["headings", "# a\n"],
    ["rows", "|a|b|\n|-|-|\n|1|2|\n"],
  ])("is short of %s", { timeout: 60_000 }, (_name, unit) => {
    expect(msFor(filled(unit))).toBeLessThan(patienceMs);
  });

  it("is short of any lines that begin blocks", { timeout: 120_000 }, () => {
    const mark = fc.constantFrom(
      "- ",
      "+ ",
      "1. ",
      "2) ",
      "> ",
      ">",
      "    ",
      "# ",
      "| a | b |",
      "=",
      "-",
      "a",
      "[x] ",
      "\t",
      "**",
    );
    const line = fc.array(mark, { maxLength: 5 }).map((marks) => `${marks.join("")}\n`);
    const unit = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join(""));
    fc.assert(
      fc.property(unit, (lines) => msFor(filled(lines)) < patienceMs),
      { numRuns: 12 },
    );
  });

  it("costs no honest text a line: a thousand items come through", () => {
    const items = Array.from({ length: 1_000 }, (_, index) => `- item ${index}`).join("\n");
    expect(visibleText(items, 20_000)).toMatchObject({ text: items, wasCut: false });
  });
});
