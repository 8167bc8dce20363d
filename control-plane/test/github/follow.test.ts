import { describe, expect, it } from "vitest";
import { listMerged } from "../../src/follow/list-merged.ts";
import { listPublished, pollPulls } from "../../src/follow/poll-pulls.ts";
import { settleMerged } from "../../src/follow/settle-merged.ts";
import { sql } from "kysely";
import { asProject } from "../../src/platform/as-tenant.ts";
import { type GithubScene, openGithubScene, repo } from "../support/github-scene.ts";
import { runIn } from "../support/run-standing.ts";
import { shareDatabase } from "../support/share-database.ts";

const database = shareDatabase("server");

/** A published run with a real pull request of its own branch. */
async function published(scene: GithubScene) {
  const { github, db, projectId } = scene;
  const { number } = github.openIssue({ repo, author: "maintainer", title: "Total" });
  const { runId } = await runIn(scene, "preview_ready", {
    issueNumber: number,
    prNumber: number + 1,
  });
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ branch: string }>`select branch from fc.pipeline_runs where id = ${runId}`.execute(tx),
  );
  const branch = rows[0]?.branch ?? "";
  const headSha = await github.pushFiles({ repo, branch, files: { "a.txt": "a" } });
  const token = github.addToken({ login: "bot" });
  const response = await fetch(`${github.url}/repos/${repo}/pulls`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ title: "Fix", body: "Refs", head: branch, base: "main", draft: true }),
  });
  const pull = (await response.json()) as { number: number };
  await asProject(db, projectId, (tx) =>
    sql`update fc.pipeline_runs set head_sha = ${headSha} where id = ${runId}`.execute(tx),
  );
  return { runId, branch, headSha, pullNumber: pull.number };
}

async function runRow({ db, projectId }: GithubScene) {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql`select r.stage, r.reason, r.preview_url, r.merge_sha is not null as is_merged,
        (select e.detail from fc.run_events e where e.run_id = r.id order by seq desc limit 1) as said
      from fc.pipeline_runs r`.execute(tx),
  );
  return rows[0];
}

/** What the follow loop does in one turn. */
async function follow({ deps, projectId }: GithubScene): Promise<void> {
  const isMine = (run: { projectId: string }) => run.projectId === projectId;
  await pollPulls(deps, projectId, (await listPublished(deps)).filter(isMine));
  for (const run of (await listMerged(deps)).filter(isMine)) await settleMerged(deps, run);
}

describe.each(["by webhook", "by poll"])("following a pull request %s", (how) => {
  async function open() {
    const scene = await openGithubScene({ on: database() });
    await scene.setToken();
    const run = await published(scene);
    if (how === "by webhook") scene.hook();
    const told = async () => {
      await scene.github.webhooks.settled();
      await follow(scene);
    };
    return { scene, run, told };
  }

  it("is deployed when it is merged and the repository reports no deployments", async () => {
    const { scene, run, told } = await open();
    await using _ = scene;
    await scene.github.mergePull({ repo, number: run.pullNumber });
    await told();
    expect(await runRow(scene)).toMatchObject({ stage: "deployed", said: "Merged." });
  });

  it("is deployed only when its merge is in production, if the repository reports that", async () => {
    const { scene, run, told } = await open();
    await using _ = scene;
    scene.github.createDeployment({ repo, sha: "d".repeat(40), environment: "production" });
    const sha = await scene.github.mergePull({ repo, number: run.pullNumber });
    await told();
    expect(await runRow(scene)).toMatchObject({ stage: "preview_ready", is_merged: true });
    scene.github.createDeployment({ repo, sha, environment: "production" });
    await told();
    expect(await runRow(scene)).toMatchObject({
      stage: "deployed",
      said: "Merged and deployed to production.",
    });
  });

  it("is deployed with a later commit that went to production, but not with an earlier one", async () => {
    const { scene, run, told } = await open();
    await using _ = scene;
    const before = await scene.github.pushFiles({ repo, branch: "main", files: { "before.txt": "b" } });
    await scene.github.mergePull({ repo, number: run.pullNumber });
    scene.github.createDeployment({ repo, sha: before, environment: "production" });
    await told();
    expect(await runRow(scene)).toMatchObject({ stage: "preview_ready", is_merged: true });
    const later = await scene.github.pushFiles({ repo, branch: "main", files: { "later.txt": "l" } });
    scene.github.createDeployment({ repo, sha: later, environment: "production" });
    await told();
    expect(await runRow(scene)).toMatchObject({ stage: "deployed", said: "Merged and deployed to production." });
  });

  it("is rejected when a person closes it unmerged", async () => {
    const { scene, run, told } = await open();
    await using _ = scene;
    await scene.github.closePull({ repo, number: run.pullNumber });
    await told();
    expect(await runRow(scene)).toMatchObject({ stage: "rejected", reason: "pr_closed" });
  });

  it("has a preview when its branch was deployed, once, and only at a web address", async () => {
    const { scene, run, told } = await open();
    await using _ = scene;
    const { headSha: sha, branch: ref } = run;
    scene.github.createDeployment({ repo, sha, ref, environmentUrl: "javascript:alert(1)" });
    await told();
    expect(await runRow(scene)).toMatchObject({ preview_url: null });
    scene.github.createDeployment({ repo, sha, ref, environmentUrl: "https://preview.example/7" });
    await told();
    await told();
    expect(await runRow(scene)).toMatchObject({
      stage: "preview_ready",
      preview_url: "https://preview.example/7",
    });
    const events = (await scene.runs())[0]?.events.filter((event) => event === "previewed");
    expect(events).toHaveLength(1);
  });
});

describe("a round of looks at open pull requests", () => {
  it("asks GitHub twice for a project that has three of them, and once more for one that was closed", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    const runs = [await published(scene), await published(scene), await published(scene)];
    const asked = async () => {
      const before = scene.github.requests.length;
      await follow(scene);
      return scene.github.requests.slice(before).map(({ path }) => path.replace(/\?.*/, ""));
    };
    const lists = [`/repos/${repo}/pulls`, `/repos/${repo}/deployments`];
    expect(await asked()).toEqual(lists);
    const closed = runs[1]?.pullNumber ?? 0;
    await scene.github.closePull({ repo, number: closed });
    expect(await asked()).toEqual([lists[0], `/repos/${repo}/pulls/${closed}`, lists[1]]);
    expect((await scene.runs()).map(({ stage }) => stage)).toEqual(["preview_ready", "rejected", "preview_ready"]);
  });
});

describe("a pull request of somebody else", () => {
  it("moves no run, whatever its branch is called", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    const run = await published(scene);
    const other = { ref: run.branch, sha: run.headSha, repo: { id: 999 } };
    const pull = {
      number: run.pullNumber, html_url: "https://x", state: "closed", merged: true, merge_commit_sha: "e".repeat(40), head: other,
      base: { repo: { id: scene.repositoryId } },
    }; // prettier-ignore
    const repository = { id: scene.repositoryId, full_name: repo };
    const answer = await scene.deliver({ action: "closed", pull_request: pull, repository }, { event: "pull_request" });
    expect(answer.body).toMatchObject({ status: "ignored" });
    expect(await runRow(scene)).toMatchObject({ stage: "preview_ready", is_merged: false });
  });
});

describe("case 7: a retry", () => {
  it("takes the issue's text as it is now", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.hook();
    const { number } = scene.github.openIssue({
      repo,
      author: "maintainer",
      title: "Old words",
      labels: ["auto-implement"],
    });
    await scene.github.editIssue({ repo, number, title: "New words" });
    await scene.github.webhooks.settled();
    const [run] = await scene.runs();
    expect(run).toMatchObject({ title: "Old words", events: ["admitted", "issue_edited"] });
    await scene.act(run?.id, { action: "cancel" });
    expect((await scene.act(run?.id, { action: "retry" })).status).toBe(202);
    expect(await scene.runs()).toMatchObject([{ title: "Old words" }, { title: "New words" }]);
  });

  it("takes the stored text when GitHub cannot be asked, and refuses when the issue is gone", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.hook();
    const { number } = scene.github.openIssue({
      repo,
      author: "maintainer",
      title: "Words",
      labels: ["auto-implement"],
    });
    await scene.github.webhooks.settled();
    const [run] = await scene.runs();
    await scene.act(run?.id, { action: "cancel" });
    scene.github.failNext({ path: /issues/, status: 500 });
    expect((await scene.act(run?.id, { action: "retry" })).status).toBe(202);
    const [, second] = await scene.runs();
    await scene.act(second?.id, { action: "cancel" });
    scene.github.deleteIssue({ repo, number });
    expect(await scene.act(second?.id, { action: "retry" })).toMatchObject({
      status: 409,
      body: { code: "conflict" },
    });
  });
});
