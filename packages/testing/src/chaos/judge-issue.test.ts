import { expect, it } from "vitest";
import { judgeIssue, type OfIssue } from "./judge-issue.ts";

const branch = "feedback/issue-1-abc";
const run: OfIssue["own"][number] = {
  repo: "acme/shop", number: 1, stage: "preview_ready", reason: null, waitingFor: null, prNumber: 2, branch, headSha: "a",
  jobStatus: "done", attempt: 1, lost: 0,
}; // prettier-ignore
const pull = { number: 2, head: branch, headSha: "a", state: "open" };
const good: OfIssue = { own: [run], pulls: [pull], heads: [{ branch, sha: "a" }], labels: ["preview-pending"] };
const failed = { ...run, stage: "failed", reason: "clone", jobStatus: "failed", prNumber: null };

it("has nothing against one run with its one pull request, nor against one that failed and says why", () => {
  expect(judgeIssue(good)).toEqual([]);
  expect(judgeIssue({ own: [failed], pulls: [], heads: [], labels: ["agent-failed", "bug"] })).toEqual([]);
});

const planted: [string, Partial<OfIssue>][] = [
  ["lost", { own: [] }],
  ["double: 2 runs", { own: [run, run] }],
  ["double: 2 pull requests", { pulls: [pull, { ...pull, number: 3 }] }],
  ["double: 2 branches", { heads: [...good.heads, ...good.heads] }],
  ["not final: running", { own: [{ ...run, stage: "running" }] }],
  ["its pull request is open", { pulls: [{ ...pull, state: "closed" }] }],
  ["its pull request is open", { pulls: [] }],
  ["another commit", { pulls: [{ ...pull, headSha: "b" }] }],
  ["its job is failed", { own: [{ ...run, jobStatus: "failed" }] }],
  ["a pull request is open", { own: [failed], labels: ["agent-failed"] }],
  ["without a reason", { own: [{ ...failed, reason: null }], pulls: [] }],
  ["untrue on GitHub", { labels: ["preview-pending", "in-progress"] }],
  ["untrue on GitHub", { labels: [] }],
];
it.each(planted)("tells what is planted: %s", (what, change) => {
  expect(judgeIssue({ ...good, ...change }).join("; ")).toContain(what);
});
