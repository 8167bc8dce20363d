import { expect, it } from "vitest";
import { branchNames, branchTail, isOurBranch, rivalOf, rivalPatterns } from "./branch.ts";

it("makes branches that are known again as ours, whatever their prefix", () => {
  for (const prefix of ["feedback", "bots/feedback.v2"]) {
    const branch = `${prefix}${branchTail(12, "a1b2c3d4")}`;
    for (const name of branchNames(branch)) expect(isOurBranch(name), name).toBe(true);
  }
  expect(() => branchTail(1, "../main")).toThrow(RangeError);
});

it.each([
  "main", "feedback/issue-12", "feedback/issue-12-a/b", "feedback/issue-0-abcdef", "refs/heads/feedback/issue-1-abcdef",
  "../issue-1-abcdef", "a/../issue-1-abcdef", "issue-1-abcdef",
])("does not count %s as ours", (other) => {
  expect(isOurBranch(other)).toBe(false);
}); // prettier-ignore

it.each([
  ["feedback", "feedback"],
  ["feedback/issue-1-abcdef/x", "feedback/issue-1-abcdef/x"],
  ["feedback-old", null],
  ["feedback/issue-1-abcdefx2", null],
  ["feedback/issue-1-abcdef", null],
])("tells whether %s is in the way", (head, rival) => {
  expect(rivalOf("feedback/issue-1-abcdef", ["main", head])).toBe(rival);
});

it("asks for every folder of the name, and for what is below it", () => {
  expect(rivalPatterns("bots/feedback/issue-1-abcdef")).toEqual([
    "bots",
    "bots/feedback",
    "bots/feedback/issue-1-abcdef/*",
  ]);
});
