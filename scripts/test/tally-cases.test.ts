import { expect, it } from "vitest";
import { tallyCases } from "../tally-cases.ts";

const test = (title: string, isPassed = true) => ({ titles: ["the whole", title], isPassed });

it("says ok of a case when all of its tests passed", () => {
  const lines = tallyCases([1, 2], [test("case 1: one"), test("case 1: two"), test("case 2: three")]);
  expect(lines.map(({ text }) => text)).toEqual(["case 1 ok one; two", "case 2 ok three"]);
});

it("fails a case with a failed test, and one without any", () => {
  const lines = tallyCases([1, 2, 3], [test("case 1: one"), test("case 1: two", false), test("case 31: other")]);
  expect(lines.map(({ isOk }) => isOk)).toEqual([false, false, false]);
  expect(lines[2]?.text).toBe("case 3 FAIL has no test");
});

it("counts the tests of a group that is named as a case", () => {
  const tests = [{ titles: ["case 1: what starts nothing", "a push"], isPassed: true }];
  expect(tallyCases([1], tests).map(({ text }) => text)).toEqual(["case 1 ok what starts nothing"]);
});
