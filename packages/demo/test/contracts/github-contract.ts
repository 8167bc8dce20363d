import { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A GitHub to talk to, with a repository `acme/shop` on `main` whose owner has this token. */
export type GithubUnderTest = AsyncDisposable & {
  url: string;
  token: string;
  /** Makes a branch with one commit above main. */
  makeBranch(name: string): Promise<void>;
};

/** What another stand-in is known to allow or to lack; written down, so that we notice when it changes. */
export type Laxity =
  | "accepts a missing head" | "accepts a second pull request" | "drafts by PATCH" | "ignores closing words"
  | "lists no files" | "accepts nothing between" | "accepts any token" | "has no issue behind a pull request"; // prettier-ignore

const repo = { owner: "acme", repo: "shop" };

/** What the publisher relies on when it speaks to GitHub: look, act, look again. */
export function githubContract(name: string, open: () => Promise<GithubUnderTest>, lax: Laxity[] = []): void {
  describe(name, () => {
    let github: GithubUnderTest;
    let octokit: Octokit;
    const is = (laxity: Laxity) => lax.includes(laxity);
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const statusOf = (call: Promise<{ status: number }>) =>
      call.then(
        ({ status }) => status,
        (error: { status: number }) => error.status,
      );
    const openPull = (head: string, more: { title?: string; body?: string; draft?: boolean } = {}) =>
      octokit.rest.pulls.create({ ...repo, title: "A", head, base: "main", ...more });

    beforeAll(async () => {
      github = await open();
      octokit = new Octokit({ baseUrl: github.url, auth: github.token, log: quiet });
    });
    afterAll(() => github[Symbol.asyncDispose]());

    it("knows the repository by name and by id", async () => {
      const { data } = await octokit.rest.repos.get(repo);
      const byId = await octokit.request("GET /repositories/{id}", { id: data.id });
      expect(byId.data).toMatchObject({
        id: data.id,
        full_name: "acme/shop",
        default_branch: "main",
      });
    });

    it("refuses a bad token with 401 and an unknown repository with 404", async () => {
      const stranger = new Octokit({ baseUrl: github.url, auth: "ghp_nobody", log: quiet });
      expect(await statusOf(stranger.rest.users.getAuthenticated())).toBe(is("accepts any token") ? 200 : 401);
      expect(await statusOf(octokit.rest.repos.get({ owner: "acme", repo: "nothing" }))).toBe(404);
    });

    it("creates a ref once, shows it, deletes it", async () => {
      const { data: main } = await octokit.rest.git.getRef({ ...repo, ref: "heads/main" });
      const ref = { ...repo, ref: "refs/heads/once", sha: main.object.sha };
      expect(await statusOf(octokit.rest.git.createRef(ref))).toBe(201);
      expect(await statusOf(octokit.rest.git.createRef(ref))).toBe(422);
      expect((await octokit.rest.git.getRef({ ...repo, ref: "heads/once" })).data.object.sha).toBe(main.object.sha);
      expect(await statusOf(octokit.rest.git.deleteRef({ ...repo, ref: "heads/once" }))).toBe(204);
      expect(await statusOf(octokit.rest.git.getRef({ ...repo, ref: "heads/once" }))).toBe(404);
    });

    it("opens a pull request and finds it again by its head", async () => {
      await github.makeBranch("feedback/issue-1-a");
      const { data: pull } = await openPull("feedback/issue-1-a", { body: "Refs #1" });
      expect(pull).toMatchObject({
        state: "open",
        head: { ref: "feedback/issue-1-a" },
        base: { ref: "main" },
      });
      const { data: found } = await octokit.rest.pulls.list({
        ...repo,
        head: "acme:feedback/issue-1-a",
        state: "all",
      });
      expect(found.map(({ number }) => number)).toEqual([pull.number]);
      const { data: edited } = await octokit.rest.pulls.update({
        ...repo,
        pull_number: pull.number,
        title: "B",
        body: "Closes #1",
      });
      expect(edited).toMatchObject({ title: "B", body: "Closes #1" });
    });

    it("refuses a pull request from a head that does not exist", async () => {
      expect(await statusOf(openPull("missing"))).toBe(is("accepts a missing head") ? 201 : 422);
    });

    it("refuses a pull request with nothing between", async () => {
      const { data: main } = await octokit.rest.git.getRef({ ...repo, ref: "heads/main" });
      await octokit.rest.git.createRef({ ...repo, ref: "refs/heads/same", sha: main.object.sha });
      expect(await statusOf(openPull("same"))).toBe(is("accepts nothing between") ? 201 : 422);
    });

    it("refuses a second pull request for the same head", async () => {
      await github.makeBranch("second");
      expect(await statusOf(openPull("second"))).toBe(201);
      expect(await statusOf(openPull("second"))).toBe(is("accepts a second pull request") ? 201 : 422);
    });

    it("leaves a draft a draft when it is patched", async () => {
      await github.makeBranch("draft");
      const { data: pull } = await openPull("draft", { draft: true });
      expect(pull.draft).toBe(true);
      const patched = await octokit.request("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", {
        ...repo,
        pull_number: pull.number,
        draft: false,
      });
      expect(patched.data.draft).toBe(!is("drafts by PATCH"));
    });

    it("numbers issues and pull requests in one sequence", async () => {
      const { data: issue } = await octokit.rest.issues.create({ ...repo, title: "I" });
      await github.makeBranch("numbered");
      const { data: pull } = await openPull("numbered");
      expect(pull.number).toBe(issue.number + 1);
      const asIssue = statusOf(octokit.rest.issues.get({ ...repo, issue_number: pull.number }));
      expect(await asIssue).toBe(is("has no issue behind a pull request") ? 404 : 200);
    });

    it("lists the files of a pull request", async () => {
      await github.makeBranch("files");
      const { data: pull } = await openPull("files");
      const { data: files } = await octokit.rest.pulls.listFiles({
        ...repo,
        pull_number: pull.number,
      });
      expect(files.length).toBe(is("lists no files") ? 0 : 1);
    });

    it("merges, and closes the issue that the body names", async () => {
      const { data: issue } = await octokit.rest.issues.create({ ...repo, title: "Bug" });
      await github.makeBranch("merge");
      const { data: pull } = await openPull("merge", { body: `Closes #${issue.number}` });
      await octokit.rest.pulls.merge({ ...repo, pull_number: pull.number, merge_method: "merge" });
      expect((await octokit.rest.pulls.get({ ...repo, pull_number: pull.number })).data).toMatchObject({
        state: "closed",
        merged: true,
      });
      const { data: named } = await octokit.rest.issues.get({
        ...repo,
        issue_number: issue.number,
      });
      expect(named.state).toBe(is("ignores closing words") ? "open" : "closed");
    });

    it("adds, removes and replaces labels, and says when one was not there", async () => {
      const { data: issue } = await octokit.rest.issues.create({ ...repo, title: "L" });
      const one = { ...repo, issue_number: issue.number };
      for (const label of ["auto-implement", "in-progress", "preview-pending"])
        await octokit.rest.issues.createLabel({ ...repo, name: label, color: "ededed" });
      expect(await statusOf(octokit.rest.issues.createLabel({ ...repo, name: "in-progress", color: "ededed" }))).toBe(
        422,
      );
      await octokit.rest.issues.addLabels({ ...one, labels: ["auto-implement", "in-progress"] });
      await octokit.rest.issues.removeLabel({ ...one, name: "auto-implement" });
      expect(await statusOf(octokit.rest.issues.removeLabel({ ...one, name: "auto-implement" }))).toBe(404);
      await octokit.rest.issues.setLabels({ ...one, labels: ["preview-pending"] });
      const { data } = await octokit.rest.issues.get(one);
      expect(data.labels.map((label) => (typeof label === "string" ? label : label.name))).toEqual(["preview-pending"]);
    });

    it("comments once and edits that comment", async () => {
      const { data: issue } = await octokit.rest.issues.create({ ...repo, title: "C" });
      const { data: comment } = await octokit.rest.issues.createComment({
        ...repo,
        issue_number: issue.number,
        body: "Working on it.",
      });
      await octokit.rest.issues.updateComment({ ...repo, comment_id: comment.id, body: "Done." });
      const { data: comments } = await octokit.rest.issues.listComments({
        ...repo,
        issue_number: issue.number,
      });
      expect(comments.map(({ body }) => body)).toEqual(["Done."]);
    });

    it("closes an issue as not planned", async () => {
      const { data: issue } = await octokit.rest.issues.create({ ...repo, title: "N" });
      const { data } = await octokit.rest.issues.update({
        ...repo,
        issue_number: issue.number,
        state: "closed",
        state_reason: "not_planned",
      });
      expect(data).toMatchObject({ state: "closed", state_reason: "not_planned" });
    });
  });
}
