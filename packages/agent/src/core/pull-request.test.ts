import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Evidence } from "@feedback-chat/protocol/evidence";
import { neutralise } from "./neutralise.ts";
import { pullRequestFor, type PullRequestFacts } from "./pull-request.ts";

const evidence: Evidence = {
  schemaVersion: 1,
  asked: { issueNumber: 12, title: "The total is wrong", hiddenRemoved: 2, snapshotSha256: "0".repeat(64), wasCut: false },
  done: { summary: "Fixed the sum.", isUnfinished: false,
    unfinishedBecause: null, baseSha: "a".repeat(40), treeId: "b".repeat(40), files: [{ path: "src/cart.js", change: "modified", addedLines: 1, removedLines: 1 }], ignoredFiles: 0 },
  checked: { checks: [{ name: "test", command: ["npm", "test"], base: { outcome: "failed", durationMs: 1, outputTail: "" }, head: { outcome: "passed", durationMs: 1, outputTail: "" } }], isBuilt: true, note: null, installScripts: [] },
  flagged: [{ level: "hold", code: "new_host", path: "src/cart.js", line: 3, detail: "an address at the new host x.io" }],
  spent: { costMicroUsd: 12_345, inputTokens: 100, outputTokens: 20, agentMs: 1_500, totalMs: 61_000 },
}; // prettier-ignore
const facts: PullRequestFacts = {
  evidence,
  origin: "public",
  approvedBy: null,
  runMarker: "Run: run_1",
  baseNote: null,
};
const saying = (summary: string): PullRequestFacts => ({
  ...facts,
  evidence: { ...evidence, done: { ...evidence.done, summary } },
});

describe("pullRequestFor", () => {
  it("says what was asked, done, checked, flagged and spent", () => {
    const { title, body } = pullRequestFor(facts);
    expect(title).toBe("Feedback #12: The total is wrong");
    for (const part of [
      "## Asked",
      "2 hidden parts",
      "## Done",
      "> Fixed the sum",
      "| `src/cart.js` | modified | +1 −1 |",
      "| `test` | `npm test` | failed | **passed** |",
      "`src/cart.js:3`",
      "0.0123 USD",
      "Run: run_1",
    ])
      expect(body).toContain(part);
  });

  it("refers to a stranger's issue, and closes it once a person approved", () => {
    expect(pullRequestFor(facts).body).toMatch(/^Refs #12/m);
    expect(pullRequestFor({ ...facts, approvedBy: "maria" }).body).toMatch(/^Closes #12/m);
    expect(pullRequestFor({ ...facts, origin: "maintainer" }).body).toMatch(/^Closes #12/m);
  });

  it("stays below what GitHub takes, whatever the change is called, and says what it left out", () => {
    const path = `${"*`|<@#".repeat(60)}.js`;
    const file = { path, change: "added" as const, addedLines: 1, removedLines: 0 };
    const verdict = { level: "flag" as const, code: "eval_like", path, line: 7, detail: "_*@`<#".repeat(100) };
    const check = { name: "test", command: ["sh", "-c", "x".repeat(5_000)], base: null, head: { outcome: "passed" as const, durationMs: 1, outputTail: "" } };
    const { body } = pullRequestFor({
      ...facts,
      evidence: {
        ...evidence,
        asked: { ...evidence.asked, title: "#".repeat(200) },
        done: { ...evidence.done, summary: "@*_".repeat(5_000), files: Array.from({ length: 100 }, () => file) },
        checked: { ...evidence.checked, checks: Array.from({ length: 50 }, () => check), note: "*".repeat(2_000) },
        flagged: [...evidence.flagged, ...Array.from({ length: 90 }, () => verdict)],
      },
    });
    // GitHub counts 65,536 characters; the publisher puts notes about the base before it.
    expect(body.length).toBeLessThan(60_000);
    expect(body).toMatch(/and \d+ more files/);
    expect(body).toMatch(/and \d+ more flags/);
    expect(body).toMatch(/and \d+ more checks/);
    for (const part of ["Refs #12", "Run: run_1", "new host", "0.0123 USD"]) expect(body).toContain(part);
  }); // prettier-ignore

  it("says when it is unfinished, and what the base branch did meanwhile", () => {
    expect(pullRequestFor({ ...facts, baseNote: "The base branch has moved on." }).body).toMatch(
      /^The base branch has moved on\./,
    );
    expect(
      pullRequestFor({
        ...facts,
        evidence: { ...evidence, done: { ...evidence.done, isUnfinished: true, unfinishedBecause: "budget" } },
      }).body,
    ).toContain("**Unfinished (budget):**");
  });

  it.each([
    ["a mention", "thanks @octocat", /@octocat/], ["a closing word", "closes #1", /closes #1/], ["a foreign reference", "fixes o/r#1", /#1/], ["an issue's address", "closes https://github.com/o/r/issues/1", /https:\/\//], ["GH-1", "fixes GH-1", /GH-1/],
    ["a link", "[x](https://evil.example)", /\]\(/], ["an image", "![x](https://evil.example/p.png)", /!\[/], ["HTML", "<img src=x onerror=1>", /[^\\]<img/], ["a comment", "<!-- x -->", /[^\\]<!--/], ["an address", "see https://evil.example", /https:\/\//], ["www", "www.evil.example", /www\.evil/],
    ["the end of a quote", "a\n\n## Checked\nall green", /^## Checked\nall/m], ["a code fence", "```\nx", /^> ```/m], ["a table", "| a |", /^> \|/m], ["another run's marker", "Run: run_2", /^Run: run_2/m], ["ANSI", "\u001b[31mred", /\[31m/],
  ])("lets %s of the agent's do nothing", (_name, summary, alive) => {
    const { body } = pullRequestFor(saying(summary));
    const [, quoted = ""] = body.split(/## Done|\| File/);
    expect(quoted).not.toMatch(alive);
    expect(quoted.trim().split("\n").every((line) => line.startsWith(">"))).toBe(true);
    expect(body).toContain("## Checked\n\n| Check |");
  }); // prettier-ignore

  it("lets a title close and mention nothing, since it may become a commit's message", () => {
    const { title } = pullRequestFor({
      ...facts,
      evidence: { ...evidence, asked: { ...evidence.asked, title: "fixes #3 @octocat\nsecond" } },
    });
    expect(title).not.toMatch(/#3|@octocat|\n/);
  });

  it.each([
    "[skip ci]",
    "[ci skip]",
    "[no ci]",
    "[skip actions]",
    "[Actions Skip]",
    "[skip netlify]",
    "[vercel skip]",
    "[skip-ci]",
    "[CF-Pages-Skip]",
    "[skip azurepipelines]",
    "[[skip ci]]",
    "[skipci]",
    "[SKIPCI]",
    "[ciskip]",
    "--skip-ci",
    "--ci-skip",
    "***NO_CI***",
    "skip-checks: true",
    "skip-checks:true",
  ])("keeps %s out of what a squash merge writes, and its words in", (directive) => {
    const text = `Total ${directive} is wrong\n\n\n${directive}`;
    const { title, body } = pullRequestFor({
      ...facts,
      evidence: {
        ...evidence,
        asked: { ...evidence.asked, title: text },
        done: {
          ...evidence.done,
          summary: text,
          files: [{ path: `a/${directive}.md`, change: "added", addedLines: 1, removedLines: 0 }],
        },
        checked: { ...evidence.checked, note: text },
        flagged: [{ level: "flag", code: "x", path: `a/${directive}.md`, line: 1, detail: text }],
      },
    });
    for (const merged of [title, body]) {
      expect(merged).not.toMatch(/\[[^\]\\(]*(?:skip|no)[^\]\\]*\]|\*{3}NO_CI|skip-checks:|--skip-ci|--ci-skip/i);
      expect(merged.replaceAll("\\", "")).toContain(/[a-z][\w -]*/i.exec(directive)?.[0].trim());
    }
    expect(title).toMatch(/^Feedback #12: Total .* is wrong /);
  });

  it.each([
    ["behind a directive's beginning", `[skip${" ".repeat(10_000)}x`],
    ["in brackets", `[${" ".repeat(10_000)}`],
    ["of lines", "\n".repeat(10_000)],
  ])("reads 10,000 blanks within a second: %s", (_name, text) => {
    const start = performance.now();
    neutralise(`x${text}x`);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it("leaves other brackets of a title", () => {
    const asked = { ...evidence.asked, title: "[Bug] items[0] of [cart/[id]] is [skipped]" };
    expect(pullRequestFor({ ...facts, evidence: { ...evidence, asked } }).title).toBe(`Feedback #12: ${asked.title}`);
  });

  it("keeps a file's name in its backticks", () => {
    const files = [{ path: "a`@octocat`|\n# x", change: "added" as const, addedLines: 1, removedLines: 0 }];
    expect(pullRequestFor({ ...facts, evidence: { ...evidence, done: { ...evidence.done, files } } }).body).toMatch(
      /^\| `a'@octocat[^\n`]*# x` \| added \|/m,
    );
  });
});

it("neutralises any text: no live mark is left", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          "@",
          "#",
          "[",
          "]",
          "(",
          ")",
          "!",
          "<",
          ">",
          "`",
          "*",
          "_",
          "a",
          "1",
          ".",
          "-",
          " ",
          "\n",
          "\\",
          ":",
          "/",
          "h",
        ),
      }),
      (text) => {
        expect(neutralise(text)).not.toMatch(/(^|[^\\])(\\\\)*[[\]<>`*_!|]|@[a-z0-9]|#[0-9]|:\/\//);
      },
    ),
  );
});
