import { describe, expect, it } from "vitest";
import type { GitHubPublisher } from "../../src/ports/github.ts";

export type GitHubUnderTest = AsyncDisposable & {
  port: GitHubPublisher;
  /** Puts a commit onto a branch, made from main if it is new. */
  push(branch: string, files: Record<string, string>): Promise<string>;
  closePull(number: number): Promise<void>;
  commentsOf(number: number): Promise<string[]>;
};

const runId = "run_01k9z8m3qxe5t8v2w7y4n6p0ab";
const pull = {
  branch: "feedback/issue-1-abc123",
  base: "main",
  title: "Title",
  body: `Body\n\nRun: ${runId}`,
  isDraft: true,
  runId,
};

/** What the publisher relies on. Run against the stand-in in memory and against REST on the local GitHub. */
export function githubContract(name: string, open: () => Promise<GitHubUnderTest>): void {
  describe(`GitHub publisher: ${name}`, () => {
    it("finds the repository by its id", async () => {
      await using github = await open();
      expect(await github.port.look()).toEqual({
        fullName: "acme/shop",
        isArchived: false,
        defaultBranch: "main",
      });
    });

    it("tells where a branch stands, and that there is none", async () => {
      await using github = await open();
      expect(await github.port.headOf(pull.branch)).toBeNull();
      const sha = await github.push(pull.branch, { "a.txt": "2\n" });
      expect(await github.port.headOf(pull.branch)).toBe(sha);
    });

    it("opens a draft that it finds again as this run's, and as no other's", async () => {
      await using github = await open();
      const headSha = await github.push(pull.branch, { "a.txt": "2\n" });
      expect(await github.port.findPull(pull.branch, runId)).toBeNull();
      const made = await github.port.createPull(pull);
      expect(made).toMatchObject({
        state: "open",
        isMerged: false,
        isDraft: true,
        isOfThisRun: true,
        headSha,
      });
      expect(await github.port.findPull(pull.branch, runId)).toEqual(made);
      expect(await github.port.findPull(pull.branch, "run_other")).toMatchObject({
        number: made?.number,
        isOfThisRun: false,
      });
      expect(await github.port.findPull("feedback/issue-1-other1", runId)).toBeNull();
    });

    it("answers null, not a second pull request, when there is one", async () => {
      await using github = await open();
      await github.push(pull.branch, { "a.txt": "2\n" });
      expect(await github.port.createPull(pull)).not.toBeNull();
      expect(await github.port.createPull(pull)).toBeNull();
    });

    it("sees that a person closed it, and changes its body", async () => {
      await using github = await open();
      await github.push(pull.branch, { "a.txt": "2\n" });
      const made = await github.port.createPull(pull);
      await github.port.updatePull(made!.number, { body: `New\n\nRun: run_other` });
      expect(await github.port.findPull(pull.branch, runId)).toMatchObject({ isOfThisRun: false });
      await github.closePull(made!.number);
      expect(await github.port.findPull(pull.branch, "run_other")).toMatchObject({
        state: "closed",
        isMerged: false,
        isOfThisRun: true,
      });
    });

    it("says a thing once", async () => {
      await using github = await open();
      await github.push(pull.branch, { "a.txt": "2\n" });
      const { number } = (await github.port.createPull(pull))!;
      await github.port.commentOnce(number, "marker-1", "Hello");
      await github.port.commentOnce(number, "marker-1", "Hello");
      await github.port.commentOnce(number, "marker-2", "Hello");
      expect(await github.commentsOf(number)).toHaveLength(2);
    });
  });
}
