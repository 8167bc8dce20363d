import { expect, it } from "vitest";
import { compare } from "./figure.ts";
import { renderTable } from "./render-table.ts";
import { median, percentile } from "./statistics.ts";

it("takes the middle of an odd number of samples, and the mean of the two middles of an even one", () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 9])).toBe(3);
});

it("gives a percentile that was measured, the largest one for p99 of few", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile([3, 7], 0.99)).toBe(7);
  expect(percentile([3], 0)).toBe(3);
});

it("refuses to speak of no samples", () => {
  expect(() => median([])).toThrow(RangeError);
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});

it("compares both sides by the same measure; n, min and max are of ours", () => {
  const named = { bench: "P0 something", unit: "ms", baselineName: "nothing" };
  const sides = { ours: [30, 10, 20], baseline: [8, 8, 16] };
  const figure = compare(named, sides);
  expect(figure).toEqual({ ...named, ours: 20, baseline: 8, ratio: 2.5, n: 3, min: 10, max: 30 });
  expect(compare(named, sides, (all) => Math.max(...all))).toMatchObject({
    ours: 30,
    baseline: 16,
  });
});

it("writes a figure as one line of JSON with exactly these fields", () => {
  const figure = compare({ bench: "P0", unit: "s", baselineName: "none" }, { ours: [2], baseline: [1] });
  expect(Object.keys(JSON.parse(JSON.stringify(figure)) as object)).toEqual([
    "bench",
    "unit",
    "ours",
    "baseline",
    "baselineName",
    "ratio",
    "n",
    "min",
    "max",
  ]);
});

it("shows people a row for each figure below one head", () => {
  const figure = compare({ bench: "P0", unit: "s", baselineName: "none" }, { ours: [2], baseline: [1] });
  const [head, ...rows] = renderTable([figure, figure]).split("\n");
  expect(head).toMatch(/^figure .* ratio$/);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^P0 .*2 s.* 1 s +none +2\.00$/);
});
