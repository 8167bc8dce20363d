import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { asGithubWait, asRunFailure } from "../src/ports/run-failure.ts";
import { isAlive, readProcess } from "../src/sandboxes/process-table.ts";
import { openPublisherChild } from "../src/publish/publish-in-child.ts";
import type { PublishPlan, PublishStep } from "../src/core/publish-plan.ts";
import { githubContract } from "./contracts/github.ts";
import { makeFolder, makeRepository } from "./git/make-repository.ts";
import { memoryGitHub } from "./publish/memory-github.ts";
import { openGitHubBench, openPublisherPort, planOverHttp, type GitHubBench } from "./publish/open-github.ts";
import { branch, runId } from "./publish/plan-publish.ts";

githubContract("in memory", async () => {
  const folder = makeFolder();
  const origin = makeRepository(folder);
  origin.commit({ "a.txt": "1\n" });
  const port = memoryGitHub(origin);
  return {
    port,
    push: async (name, files) => {
      if (!origin.git(["for-each-ref", `refs/heads/${name}`])) origin.git(["update-ref", `refs/heads/${name}`, "main"]);
      return origin.commit(files, name);
    },
    closePull: async (number) => void (port.pulls.find((pull) => pull.number === number)!.state = "closed"),
    commentsOf: async (number) => port.comments.filter((comment) => comment.number === number).map(({ body }) => body),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

githubContract("REST on the local GitHub", async () => {
  const bench = await openGitHubBench();
  return {
    port: openPublisherPort(bench),
    push: (name, files) => bench.github.pushFiles({ repo: "acme/shop", branch: name, files }),
    closePull: (number) => bench.github.closePull({ repo: "acme/shop", number }),
    commentsOf: async (number) =>
      bench.github
        .lookAt("acme/shop")
        .pulls.find((pull) => pull.number === number)!
        .comments.map(({ body }) => body),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
});

const compiled = makeFolder();
afterAll(() => compiled[Symbol.dispose]());

type More = {
  signal?: AbortSignal;
  steps?: PublishStep[];
  confirmPermit?: () => Promise<void>;
  deadlineSeconds?: number;
};

async function publish(plan: PublishPlan, more: More = {}) {
  await using publisher = openPublisherChild({
    compiledFolder: compiled.path,
    deadlineSeconds: more.deadlineSeconds ?? 840,
  });
  return await publisher.publish(
    {
      signal: more.signal ?? new AbortController().signal,
      onStep: (step) => void more.steps?.push(step),
      confirmPermit: more.confirmPermit ?? (async () => {}),
    },
    plan,
  );
}

async function endOf(publishing: Promise<unknown>) {
  const end = await publishing.then(
    (answer) => ({ answer }),
    (error: unknown) => asRunFailure(error) ?? asGithubWait(error) ?? { error },
  );
  if ("answer" in end || "error" in end) throw new Error("no end of the run", { cause: end });
  return end;
}

/** Of this process: its publisher, and below it git with its helpers. */
function publisherAndGit(): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parentOf = (pid: number) => readProcess(pid)?.parent ?? 0;
  const isBelow = (pid: number): boolean =>
    parentOf(pid) === process.pid || (parentOf(pid) > 1 && isBelow(parentOf(pid)));
  return all.filter((pid) => isBelow(pid) && /publisher-process|git.*push|remote-http|send-pack/.test(argvOf(pid)));
}

function argvOf(pid: number): string {
  return spawnSync("cat", [`/proc/${pid}/cmdline`])
    .stdout.toString()
    .replaceAll("\0", " ");
}

const refsOf = ({ github }: GitHubBench) => github.lookAt("acme/shop").refs;
const pullsOf = ({ github }: GitHubBench) => github.lookAt("acme/shop").pulls;

describe("the publisher process, over HTTP", () => {
  it("stands by without a plan, and leaves no process when nothing is published", async () => {
    const ours = () => spawnSync("pgrep", ["-P", String(process.pid), "-f", "publisher-process"]).stdout.toString();
    const publisher = openPublisherChild({ compiledFolder: compiled.path, deadlineSeconds: 840 });
    expect(ours()).not.toBe("");
    await publisher[Symbol.asyncDispose]();
    expect(ours()).toBe("");
  });

  it("pushes the branch and opens a draft with a token that may do no more", async () => {
    await using bench = await openGitHubBench({ isPrivate: true });
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    const steps: PublishStep[] = [];
    const done = await publish(plan, { steps });
    expect(steps).toEqual(["looked", "committed", "pushed", "pull_created"]);
    expect(pullsOf(bench)).toMatchObject([
      {
        number: done.prNumber,
        head: branch,
        base: "main",
        isDraft: true,
        headSha: done.headSha,
        author: "feedback-chat[bot]",
      },
    ]);
    expect(await publish(plan)).toEqual(done);
    expect(pullsOf(bench)).toHaveLength(1);
  });

  it("keeps the token out of argv, environment, addresses and git's folder", async () => {
    await using bench = await openGitHubBench({ isPrivate: true });
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    const held = bench.github.holdNext({ method: "POST", path: /\/pulls$/ });
    const publishing = publish(plan);
    await held.arrived;
    const seen = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const argv = spawnSync("cat", [`/proc/${pid}/cmdline`]).stdout.toString();
        return argv.includes("publisher-process")
          ? [argv, spawnSync("cat", [`/proc/${pid}/environ`]).stdout.toString()]
          : [];
      });
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.join("\n")).not.toContain(bench.token);
    held.release();
    await publishing;
    expect(spawnSync("grep", ["-rlF", bench.token, plan.gitDir, bench.folder.at("cache")]).stdout.toString()).toBe("");
    expect(readFileSync(`${plan.gitDir}/config`, "utf8")).not.toContain("http");
    expect(bench.github.requests.some(({ path }) => path.includes(bench.token))).toBe(false);
  });

  it.each([
    ["the publisher waits for GitHub's answer to its pull request", { method: "POST", path: /\/pulls$/ }],
    ["its git is in the middle of a push", { method: "POST", path: /git-receive-pack$/ }],
  ])("leaves no process and writes nothing more when it is ended while stopped: %s", async (_, point) => {
    await using bench = await openGitHubBench();
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    const held = bench.github.holdNext(point);
    const stopping = new AbortController();
    const publishing = publish(plan, { signal: stopping.signal });
    await held.arrived;
    const stopped = publisherAndGit();
    for (const pid of stopped) process.kill(pid, "SIGSTOP");
    const refs = refsOf(bench);
    const abortedMs = performance.now();
    stopping.abort(new Error("rejected"));
    await expect(publishing).rejects.toThrow("rejected");
    expect(performance.now() - abortedMs).toBeLessThan(2_000);
    expect(stopped.length).toBeGreaterThan(0);
    expect(stopped.filter(isAlive)).toEqual([]);
    held.drop();
    expect(refsOf(bench)).toEqual(refs);
    expect(pullsOf(bench)).toEqual([]);
  });

  it("ends a stopped publisher at its deadline, so its run can be retried", async () => {
    await using bench = await openGitHubBench();
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    const stopped: number[] = [];
    const confirmPermit = async () => {
      stopped.push(...publisherAndGit());
      for (const pid of stopped) process.kill(pid, "SIGSTOP");
    };
    const end = await endOf(publish(plan, { deadlineSeconds: 8, confirmPermit }));
    expect(end).toMatchObject({ code: "github_unavailable", isRetryable: true });
    expect(stopped.length).toBeGreaterThan(0);
    expect(stopped.filter(isAlive)).toEqual([]);
  });

  it.each([
    ["push", 1, []],
    ["open a pull request", 2, [branch]],
  ])("does not %s once the permit is taken back", async (_, noAt, branches) => {
    await using bench = await openGitHubBench();
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    let asked = 0;
    const no = new Error("the run was rejected");
    const confirmPermit = async () => {
      asked += 1;
      if (asked === noAt) throw no;
    };
    await expect(publish(plan, { confirmPermit })).rejects.toBe(no);
    expect(Object.keys(refsOf(bench)).filter((ref) => ref.includes("feedback"))).toEqual(
      branches.map((name) => `refs/heads/${name}`),
    );
    expect(pullsOf(bench)).toEqual([]);
  });

  it("asks before it changes a pull request of its own", async () => {
    await using bench = await openGitHubBench();
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    await publish(plan);
    const body = pullsOf(bench)[0]?.body;
    const no = new Error("the run was rejected");
    await expect(
      publish({ ...plan, body: `Other words.\n\nRun: ${runId}` }, { confirmPermit: () => Promise.reject(no) }),
    ).rejects.toBe(no);
    expect(pullsOf(bench)[0]?.body).toBe(body);
  });

  // pipeline.md, case 41, around the publisher's steps
  it.each([
    ["before the push", { method: "POST", path: /git-receive-pack$/, when: "before" as const }],
    ["after the push", { method: "POST", path: /git-receive-pack$/, when: "after" as const }],
    ["before the pull request", { method: "POST", path: /\/pulls$/, when: "before" as const }],
    ["after the pull request", { method: "POST", path: /\/pulls$/, when: "after" as const }],
  ])("ends in one branch and one pull request when it is killed %s", async (_, point) => {
    await using bench = await openGitHubBench();
    const plan = await planOverHttp(bench, { "a.txt": "2\n" });
    const held = bench.github.holdNext(point);
    const stopping = new AbortController();
    const publishing = publish(plan, { signal: stopping.signal });
    await held.arrived;
    stopping.abort(new Error("killed"));
    await expect(publishing).rejects.toThrow("killed");
    held.drop();
    const done = await publish(plan);
    expect(Object.keys(refsOf(bench)).toSorted()).toEqual([`refs/heads/${branch}`, "refs/heads/main"]);
    expect(pullsOf(bench)).toMatchObject([{ number: done.prNumber, headSha: done.headSha, state: "open" }]);
  });

  describe("GitHub's answers", () => {
    // case 37
    it("names the missing permission for 403, and says that the token is not accepted for 401", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      const reader = bench.github.addToken({
        login: "feedback-chat[bot]",
        kind: "installation",
        permissions: { metadata: "read", contents: "read", pull_requests: "write" },
        repositories: ["acme/shop"],
      });
      expect(await endOf(publish({ ...plan, token: reader }))).toMatchObject({
        code: "github_access",
        next: expect.stringContaining("contents: write"),
      });
      const weak = bench.github.addToken({
        login: "feedback-chat[bot]",
        kind: "installation",
        permissions: { metadata: "read", contents: "write" },
        repositories: ["acme/shop"],
      });
      expect(await endOf(publish({ ...plan, token: weak }))).toMatchObject({
        code: "github_access",
        next: expect.stringContaining("pull_requests"),
      });
      bench.github.revokeToken(bench.token);
      expect(await endOf(publish(plan))).toMatchObject({
        code: "github_access",
        isRetryable: false,
      });
      expect(pullsOf(bench)).toEqual([]);
    });

    it("waits as long as GitHub asks at a rate limit", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      bench.github.failNext({
        method: "POST",
        path: /\/pulls$/,
        status: 403,
        headers: { "retry-after": "77" },
        body: { message: "You have exceeded a secondary rate limit" },
      });
      expect(await endOf(publish(plan))).toMatchObject({ untilSeconds: 77 });
      expect((await publish(plan)).prNumber).toBe(pullsOf(bench)[0]?.number);
    });

    it("looks again after 5xx and lost answers, and never acts twice", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      bench.github.failNext({ path: /git-receive-pack/, status: 502, times: 1 });
      bench.github.failNext({
        method: "POST",
        path: /\/pulls$/,
        when: "after",
        dropConnection: true,
      });
      bench.github.failNext({ method: "GET", path: /\/pulls\?/, status: 503 });
      const done = await publish(plan);
      expect(pullsOf(bench)).toMatchObject([{ number: done.prNumber }]);
      bench.github.failNext({ path: /./, status: 503, times: Infinity });
      expect(await endOf(publish(plan))).toMatchObject({
        code: "github_unavailable",
        isRetryable: true,
      });
    });

    it("refuses truthfully at a protected branch", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      bench.github.protectBranch({ repo: "acme/shop", branch });
      expect(await endOf(publish(plan))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("GH006"),
      });
    });

    // case 38
    it("says that the token lacks `workflows`", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { ".github/workflows/x.yml": "on: push\n" });
      expect(await endOf(publish(plan))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("workflow"),
        next: expect.stringContaining("workflows"),
      });
      expect(pullsOf(bench)).toEqual([]);
    });

    // case 36
    it("follows a renamed repository, and fails truthfully for an archived one", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      bench.github.renameRepository({ repo: "acme/shop", name: "store" });
      const done = await publish(plan);
      expect(bench.github.lookAt("acme/store").pulls).toMatchObject([{ number: done.prNumber, head: branch }]);
      bench.github.archiveRepository({ repo: "acme/store" });
      expect(await endOf(publish(plan))).toMatchObject({
        code: "github_refused",
        detail: expect.stringContaining("archived"),
      });
    });

    // case 35
    it("does not reopen a pull request that a person closed", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      const { prNumber } = await publish(plan);
      await bench.github.closePull({ repo: "acme/shop", number: prNumber });
      expect(await endOf(publish(plan))).toMatchObject({ code: "pull_closed" });
      expect(pullsOf(bench)).toMatchObject([{ state: "closed" }]);
    });

    // case 33
    it("leaves foreign commits on our name alone, and stops at a person's commit on our branch", async () => {
      await using bench = await openGitHubBench();
      const plan = await planOverHttp(bench, { "a.txt": "2\n" });
      const foreign = await bench.github.pushFiles({
        repo: "acme/shop",
        branch,
        files: { "c.txt": "1" },
        by: "somebody",
      });
      const done = await publish(plan);
      expect(refsOf(bench)).toMatchObject({
        [`refs/heads/${branch}`]: foreign,
        [`refs/heads/${done.branch}`]: done.headSha,
      });
      const theirs = await bench.github.pushFiles({
        repo: "acme/shop",
        branch: done.branch,
        files: { "c.txt": "2" },
        by: "somebody",
      });
      expect(await endOf(publish(plan))).toMatchObject({ code: "human_commit" });
      expect(refsOf(bench)[`refs/heads/${done.branch}`]).toBe(theirs);
    });
  });

  it("knows its own pull request by the run in its body", async () => {
    await using bench = await openGitHubBench();
    await publish(await planOverHttp(bench, { "a.txt": "2\n" }));
    expect(pullsOf(bench)[0]?.body).toContain(runId);
  });
});
