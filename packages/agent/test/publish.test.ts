import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asGithubWait, asRunFailure } from "../src/ports/run-failure.ts";
import {
  makeFolder,
  makeRepository,
  type Content,
  type TestFolder,
  type TestRepository,
} from "./git/make-repository.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { requireFreeBranch } from "../src/stages/require-free-branch.ts";
import { fileDeps } from "./git/open-clone.ts";
import { memoryGitHub, type MemoryGitHub } from "./publish/memory-github.ts";
import { branch, planPublish, publishNow, runId } from "./publish/plan-publish.ts";

type Bench = { folder: TestFolder; origin: TestRepository; github: MemoryGitHub };

async function work(
  test: (bench: Bench) => Promise<void>,
  files: Record<string, Content> = { "a.txt": "1\n", "b.txt": "b\n" },
): Promise<void> {
  using folder = makeFolder("agent-publish-");
  const origin = makeRepository(folder);
  origin.commit(files);
  await test({ folder, origin, github: memoryGitHub(origin) });
}

const headOf = (origin: TestRepository, name: string) =>
  origin.git(["for-each-ref", "--format=%(objectname)", `refs/heads/${name}`]);
const failureOf = async (publishing: Promise<unknown>) => {
  const failure = await publishing.then(
    (answer) => ({ answer }),
    (error: unknown) => asRunFailure(error) ?? { error },
  );
  if (!("code" in failure)) throw new Error(`no failure of the run: ${JSON.stringify(failure)}`, { cause: failure });
  return failure;
};
/** What the remote says to a push: a hook, as GitHub's rules are. */
function refusePush({ origin }: Bench, words: string): void {
  const hook = join(origin.gitDir, "hooks/pre-receive");
  mkdirSync(join(origin.gitDir, "hooks"), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\nprintf '${words}\\n' >&2\nexit 1\n`);
  chmodSync(hook, 0o755);
}

describe("publishRun", () => {
  it("pushes one bot commit on the base commit and opens a draft", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const steps: string[] = [];
      const done = await publishNow(plan, github, (step) => steps.push(step));
      expect(done).toMatchObject({
        prNumber: 1,
        branch,
        isDraft: true,
        headSha: headOf(origin, branch),
      });
      expect(steps).toEqual(["looked", "committed", "pushed", "pull_created"]);
      const shown = origin
        .git(["show", "--no-patch", "--format=%an|%ae|%cn|%P|%(trailers:key=Run,valueonly)", branch])
        .trim();
      expect(shown).toBe(
        `feedback-chat[bot]|feedback-chat[bot]@users.noreply.github.com|feedback-chat[bot]|${plan.baseSha}|${runId}`,
      );
      expect(origin.git(["show", `${branch}:a.txt`])).toBe("2");
      expect(github.pulls).toHaveLength(1);
    });
  });

  // pipeline.md, case 35
  it("is the same when called again: branch and pull request are adopted", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const first = await publishNow(plan, github);
      const steps: string[] = [];
      expect(await publishNow(plan, github, (step) => steps.push(step))).toEqual(first);
      expect(steps).toEqual(["looked", "pull_adopted"]);
      expect(github.pulls).toHaveLength(1);
    });
  });

  it("goes on after a crash between push and pull request", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const crash = new Error("crash");
      await expect(
        publishNow(plan, github, (step) => {
          if (step === "pushed") throw crash;
        }),
      ).rejects.toBe(crash);
      const pushed = headOf(origin, branch);
      expect((await publishNow(plan, github)).headSha).toBe(pushed);
      expect(github.pulls).toHaveLength(1);
    });
  });

  it("looks again instead of repeating when GitHub's answer is lost", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      github.outage.calls = 2;
      github.outage.afterActing = 1;
      expect((await publishNow(plan, github)).prNumber).toBe(1);
      expect(github.pulls).toHaveLength(1);
      github.outage.calls = 100;
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "github_unavailable",
        isRetryable: true,
      });
    });
  });

  it("does not reopen what a person closed, and leaves a merged one alone", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      await publishNow(plan, github);
      github.pulls[0]!.state = "closed";
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "pull_closed",
        detail: expect.stringContaining("#1"),
      });
      github.pulls[0]!.isMerged = true;
      expect((await publishNow(plan, github)).prNumber).toBe(1);
    });
  });

  it("fast-forwards its own branch for requested changes", async () => {
    await work(async ({ folder, origin, github }) => {
      const first = await publishNow((await planPublish(folder, origin, { "a.txt": "2\n" })).plan, github);
      // Whatever people have made of its words by then.
      github.pulls[0]!.body = "Rewritten.";
      const more = { prNumber: first.prNumber };
      const second = await publishNow((await planPublish(folder, origin, { "a.txt": "3\n" }, more)).plan, github);
      expect(second.prNumber).toBe(first.prNumber);
      expect(origin.git(["rev-parse", `${branch}^`])).toBe(first.headSha);
      expect(origin.git(["show", `${branch}:a.txt`])).toBe("3");
    });
  });

  it("stops where a person changed or rebased our own commit, whose author it still names", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const { headSha } = await publishNow(plan, github);
      const said = origin.git(["cat-file", "commit", headSha]);
      const amended = said.replace(/^committer .*$/m, "committer Ada <ada@example.com> 1700000000 +0000");
      const theirs = origin.git(["hash-object", "-t", "commit", "-w", "--stdin"], `${amended}\n`);
      expect(theirs).not.toBe(headSha);
      origin.git(["update-ref", `refs/heads/${branch}`, theirs]);
      const more = await planPublish(folder, origin, { "a.txt": "3\n" });
      expect(await failureOf(publishNow(more.plan, github))).toMatchObject({
        code: "human_commit",
        detail: expect.stringContaining("Ada"),
      });
      expect(headOf(origin, branch)).toBe(theirs);
      expect(github.pulls).toHaveLength(1);
    });
  });

  it("stops at a person's commit on our branch", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      await publishNow(plan, github);
      const theirs = origin.commit({ "c.txt": "theirs" }, branch);
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "human_commit",
        detail: expect.stringContaining("Ada"),
      });
      expect(headOf(origin, branch)).toBe(theirs);
    });
  });

  // case 33
  it("leaves a branch with foreign commits untouched and takes one other name, then gives up", async () => {
    await work(async ({ folder, origin, github }) => {
      const foreign = origin.commit({ "c.txt": "foreign" }, branch);
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const done = await publishNow(plan, github);
      expect(done.branch).toBe(`${branch}x2`);
      expect(await publishNow(plan, github)).toEqual(done);
      expect(headOf(origin, branch)).toBe(foreign);
    });
    await work(async ({ folder, origin, github }) => {
      const taken = [origin.commit({ "c.txt": "1" }, branch), origin.commit({ "c.txt": "2" }, `${branch}x2`)];
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("taken"),
      });
      expect([headOf(origin, branch), headOf(origin, `${branch}x2`)]).toEqual(taken);
    });
  });

  it.each([
    ["feedback", branch.replaceAll("/", "-")],
    [`${branch}/x`, `${branch}x2`],
  ])("takes another name where the branch %s is in the way", async (rival, taken) => {
    await work(async ({ folder, origin, github }) => {
      origin.git(["update-ref", `refs/heads/${rival}`, "main"]);
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      expect(await publishNow(plan, github)).toMatchObject({ branch: taken, headSha: headOf(origin, taken) });
      expect(headOf(origin, rival)).toBe(plan.baseSha);
    });
  });

  it.each([
    ["feedback", branch.replaceAll("/", "-")],
    [branch, `${branch}x2`],
  ])("stays on the name it took when the branch %s is gone again: one pull request", async (rival, taken) => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      origin.git(["update-ref", `refs/heads/${rival}`, "main"]);
      const crash = new Error("crash");
      const pushed = publishNow(plan, github, (step) => {
        if (step === "pushed") throw crash;
      });
      await expect(pushed).rejects.toBe(crash);
      origin.git(["update-ref", "-d", `refs/heads/${rival}`]);
      const done = await publishNow(plan, github);
      expect(done).toMatchObject({ branch: taken, headSha: headOf(origin, taken) });
      github.pulls[0]!.body = "Rewritten.";
      const more = await planPublish(folder, origin, { "a.txt": "3\n" }, { prNumber: done.prNumber });
      expect(await publishNow(more.plan, github)).toMatchObject({ branch: taken, prNumber: done.prNumber });
      expect(headOf(origin, branch)).toBe("");
      expect(github.pulls).toHaveLength(1);
    });
  });

  it("opens no second pull request where a person put other commits under ours", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      await publishNow(plan, github);
      origin.git(["update-ref", `refs/heads/${branch}`, "main"]);
      expect(await failureOf(publishNow(plan, github))).toMatchObject({ code: "human_commit" });
      expect(headOf(origin, branch)).toBe(plan.baseSha);
      expect(github.pulls).toHaveLength(1);
    });
  });

  it("names what is in the way of every name", async () => {
    await work(async ({ folder, origin, github }) => {
      const flat = branch.replaceAll("/", "-");
      for (const rival of ["feedback", `${flat}/x`]) origin.git(["update-ref", `refs/heads/${rival}`, "main"]);
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const repository = { id: 7, fullName: "acme/shop", cloneUrl: origin.url, apiUrl: "", isPrivate: false };
      const deps = { ...fileDeps(), clock: systemClock(), log: { write: () => {} } };
      const early = await failureOf(requireFreeBranch(deps, { repository, token: null, branch }));
      const failure = await failureOf(publishNow(plan, github));
      expect(early).toEqual(failure);
      expect(failure).toMatchObject({ code: "github_refused", next: expect.stringContaining("branchPrefix") });
      expect(failure.detail).toContain(`"${branch}" (in its way: the branch "feedback")`);
      expect(failure.detail).toContain(`"${flat}" (in its way: the branch "${flat}/x")`);
    });
  });

  it("tells the remote's words where the branch did not move, and not that it did", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      mkdirSync(join(origin.gitDir, "refs/heads/feedback"), { recursive: true });
      writeFileSync(join(origin.gitDir, `refs/heads/${branch}.lock`), "");
      const failure = await failureOf(publishNow(plan, github));
      expect(failure).toMatchObject({ code: "github_refused", isRetryable: false });
      expect(failure.detail).toMatch(/^GitHub refused the push: .*rejected/);
    });
  });

  it("leaves a pull request alone that a person opened from our branch, and takes one other name", async () => {
    const byHand = {
      number: 7,
      url: "https://github.test/acme/shop/pull/7",
      state: "open",
      headSha: "",
      body: "Mine.",
    };
    const opened = {
      ...byHand,
      state: "open" as const,
      title: "Mine",
      isMerged: false,
      isDraft: false,
      isOfThisRun: false,
    };
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const crash = new Error("crash");
      const pushed = publishNow(plan, github, (step) => {
        if (step === "pushed") throw crash;
      });
      await expect(pushed).rejects.toBe(crash);
      github.pulls.push({ ...opened, branch });
      const done = await publishNow(plan, github);
      expect(done.branch).toBe(`${branch}x2`);
      expect(await publishNow(plan, github)).toEqual(done);
      expect(github.pulls.map((pull) => [pull.branch, pull.body === "Mine."])).toEqual([
        [branch, true],
        [`${branch}x2`, false],
      ]);
    });
    // Between our look and our call; and at the other name too.
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      github.beforeCreate = (at) => at === branch && github.pulls.push({ ...opened, branch });
      expect((await publishNow(plan, github)).branch).toBe(`${branch}x2`);
      github.pulls[1]!.body = "Mine.";
      expect(await failureOf(publishNow(plan, github))).toMatchObject({ code: "github_refused" });
      expect(github.pulls).toHaveLength(2);
    });
  });

  it("looks again when GitHub says that a pull request exists and shows none", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      const create = github.createPull;
      let refused = 0;
      github.createPull = (input) => (refused++ === 0 ? Promise.resolve(null) : create(input));
      expect((await publishNow(plan, github)).branch).toBe(branch);
      expect(github.pulls).toHaveLength(1);
    });
  });

  // case 34
  it("says in the pull request that the base moved, and fails when it is gone", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      origin.commit({ "a.txt": "other\n" });
      await publishNow(plan, github);
      expect(github.pulls[0]!.body).toContain("The base branch has moved on");
      expect(github.pulls[0]!.body).toContain("there may be conflicts");
      expect(origin.git(["rev-parse", `${branch}^`])).toBe(plan.baseSha);
    });
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      origin.git(["update-ref", "refs/heads/other", "main"]);
      origin.git(["update-ref", "-d", "refs/heads/main"]);
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining('"main"'),
      });
      expect(headOf(origin, branch)).toBe("");
    });
  });

  // cases 37 and 38
  it("says in clear words what a rule, a protected branch or a missing workflows permission refused", async () => {
    await work(async (bench) => {
      const { plan } = await planPublish(bench.folder, bench.origin, { "a.txt": "2\n" });
      refusePush(bench, "GH006: Protected branch update failed\\033[31m");
      const refused = await failureOf(publishNow(plan, bench.github));
      expect(refused).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("GH006"),
      });
      expect(refused.detail).not.toContain("\u001b");
      refusePush(
        bench,
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission",
      );
      expect(await failureOf(publishNow(plan, bench.github))).toMatchObject({
        code: "github_refused",
        next: expect.stringContaining("workflows"),
      });
    });
  });

  it("fails truthfully for an archived repository", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      github.isArchived = true;
      expect(await failureOf(publishNow(plan, github))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("archived"),
      });
    });
  });

  // case 39
  it("blocks a secret in a line, a name or base64, names file and line, and never the value", async () => {
    const secrets = [{ name: "model key", value: "canary-7f3a9b2c5d8e1f40" }];
    const spelled = [
      secrets[0]!.value,
      Buffer.from(secrets[0]!.value).toString("base64"),
      Buffer.from(secrets[0]!.value).toString("hex"),
    ];
    for (const spelling of spelled) {
      await work(async ({ folder, origin, github }) => {
        const { plan } = await planPublish(folder, origin, { "src/x.js": `one\nkey = "${spelling}"\n` }, { secrets });
        const failure = await failureOf(publishNow(plan, github));
        expect(failure).toMatchObject({ code: "secret_found", paths: ["src/x.js:2"] });
        expect(JSON.stringify(failure)).not.toContain(spelling);
        expect(headOf(origin, branch)).toBe("");
      });
    }
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { [`${secrets[0]!.value}.txt`]: "x" }, { secrets });
      expect(JSON.stringify(await failureOf(publishNow(plan, github)))).not.toContain(secrets[0]!.value);
    });
  });

  it("lets a line pass that the base had already, and cleans title and body", async () => {
    const secrets = [{ name: "model key", value: "canary-7f3a9b2c5d8e1f40" }];
    await work(
      async ({ folder, origin, github }) => {
        const { plan } = await planPublish(
          folder,
          origin,
          { "old.js": `key = "${secrets[0]!.value}"\nmore\n` },
          {
            secrets,
            title: `Uses ${secrets[0]!.value}`,
            body: `Run: ${runId}\n${secrets[0]!.value}`,
          },
        );
        await publishNow(plan, github);
        expect(JSON.stringify(github.pulls)).not.toContain(secrets[0]!.value);
        expect(github.pulls[0]!.title).toContain("Uses");
      },
      { "old.js": `key = "${secrets[0]!.value}"\n` },
    );
  });

  it("needs nothing but GIT_DIR and tree id: the work tree is gone", async () => {
    await work(async ({ folder, origin, github }) => {
      const { plan } = await planPublish(folder, origin, { "a.txt": "2\n" });
      execFileSync("sh", ["-c", `rm -rf ${folder.path}/tree-* ${folder.path}/scratch`]);
      expect(readdirSync(folder.path).some((name) => name.startsWith("tree-"))).toBe(false);
      expect((await publishNow(plan, github)).prNumber).toBe(1);
    });
  });

  it("parks for GitHub's rate limit instead of failing", async () => {
    const { githubProblem } = await import("../src/publish/github-trouble.ts");
    const answer = (status: number, headers: Record<string, string>, message = "no") =>
      Object.assign(new Error(message), { status, response: { headers, data: { message } } });
    const now = new Date("2026-11-21T00:00:00Z");
    const reset = String(now.getTime() / 1000 + 120);
    expect(asGithubWait(githubProblem(answer(429, { "retry-after": "30" }), now))?.untilSeconds).toBe(30);
    expect(
      asGithubWait(githubProblem(answer(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset }), now))
        ?.untilSeconds,
    ).toBe(120);
    expect(
      asGithubWait(githubProblem(answer(403, {}, "You have exceeded a secondary rate limit"), now))?.untilSeconds,
    ).toBe(60);
    expect(
      asRunFailure(githubProblem(answer(403, { "x-accepted-github-permissions": "pull_requests=write" }), now))?.next,
    ).toContain("pull_requests=write");
  });
});
