import { expect, it } from "vitest";
import { refusalsOf } from "./judge-branch-rules.ts";

const push = {
  branch: "feedback/issue-1-abcdef",
  message: "Implement the feedback of issue #1",
  email: "bot@example.com",
};
const pattern = (type: string, parameters: object) => refusalsOf([{ type, parameters }], push);

it("lets rules pass that refuse no push of a run", () => {
  expect(refusalsOf([{ type: "deletion" }, { type: "non_fast_forward" }], push)).toEqual([]);
  expect(pattern("branch_name_pattern", { operator: "starts_with", pattern: "feedback/" })).toEqual([]);
  expect(pattern("commit_message_pattern", { operator: "contains", pattern: "WIP", negate: true })).toEqual([]);
});

it.each([
  ["required_signatures", {}, /signed/],
  ["creation", {}, /create/],
  ["branch_name_pattern", { operator: "starts_with", pattern: "feature/" }, /start with "feature\/"/],
  ["commit_message_pattern", { operator: "ends_with", pattern: "JIRA-1" }, /end with "JIRA-1"/],
  ["committer_email_pattern", { operator: "ends_with", pattern: "@example.com", negate: true }, /must not end/],
])("tells that %s refuses it", (type, parameters, words) => {
  expect(pattern(type, parameters)).toEqual([expect.stringMatching(words)]);
});

it("tells a regular expression without running it", () => {
  expect(pattern("branch_name_pattern", { operator: "regex", pattern: "^(a+)+$" })).toEqual([
    'the branch\'s name has to match "^(a+)+$"; it will be "feedback/issue-1-abcdef"',
  ]);
});
