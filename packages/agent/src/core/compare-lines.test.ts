import fc from "fast-check";
import { expect, it } from "vitest";
import { compareLines } from "./compare-lines.ts";

const lines = fc.array(fc.constantFrom<string>("a", "b", "c", ""), { minLength: 1 });

it("gives each new line with its number, as often as it is new", () => {
  expect(compareLines("a\nb\n", "a\nb\nb\nc\n").added).toEqual([
    { line: 3, text: "b" },
    { line: 4, text: "c" },
  ]);
  expect(compareLines("a\r\nb", "b\na").added).toEqual([]);
});

it("accounts for every line: what was, less what is gone, and what came, is what is there", () => {
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      fc.pre(before.join("\n") !== "" && after.join("\n") !== "");
      const { added, removed } = compareLines(before.join("\n"), after.join("\n"));
      for (const { line, text } of added) expect(after[line - 1]).toBe(text);
      const kept = [...before];
      for (const { text } of removed) kept.splice(kept.indexOf(text), 1);
      expect([...kept, ...added.map(({ text }) => text)].sort()).toEqual([...after].sort());
    }),
  );
});
