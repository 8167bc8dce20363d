import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { deliverEffects } from "../../src/outbox/deliver-effects.ts";
import { type Effect, queueEffects } from "../../src/outbox/queue-effects.ts";
import { asProject } from "../../src/platform/as-tenant.ts";
import { lostSealing } from "../../src/platform/seal-with-master-key.ts";
import { type GithubScene, openGithubScene, repo } from "../support/github-scene.ts";
import { runIn } from "../support/run-standing.ts";
import { seedRun } from "../support/seed.ts";

/** Each test delivers for itself alone: a database of its own. */
const open = () => openGithubScene();

async function outbox({ db, projectId }: GithubScene) {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{
      kind: string;
      is_done: boolean;
      attempts: number;
      last_error: string | null;
      in_seconds: number;
      payload: object;
    }>`
      select kind, done_at is not null as is_done, attempts, last_error, extract(epoch from run_at - now())::float8 as in_seconds, payload
      from fc.outbox order by id`.execute(tx),
  );
  return rows;
}

async function deliverAll(scene: GithubScene): Promise<void> {
  while ((await deliverEffects(scene.deps)) > 0);
}

const queue = (scene: GithubScene, runId: string, effect: Effect) =>
  asProject(scene.db, scene.projectId, (tx) => queueEffects(tx, { projectId: scene.projectId, runId }, [effect]));

const issueOf = ({ github }: GithubScene, number: number) =>
  github.lookAt(repo).issues.find((issue) => issue.number === number);

/** As the publisher's template ends for a stranger's words. */
const pullBody = (number: number) => `Asked: Refs #1234 is quoted\n\n---\n\nRefs #${number}  \nBase commit`;

/** An issue with the trigger label, and an open draft of our branch. */
async function withPull(scene: GithubScene, branch = "feedback/issue-1-abc123") {
  await scene.setToken();
  const { number } = scene.github.openIssue({
    repo,
    author: "reporter",
    title: "Total",
    labels: ["auto-implement", "bug"],
  });
  await scene.github.pushFiles({ repo, branch, files: { "a.txt": "a" } });
  const token = scene.github.addToken({ login: "bot" });
  const response = await fetch(`${scene.github.url}/repos/${repo}/pulls`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ title: "Fix", body: pullBody(number), head: branch, base: "main", draft: true }),
  });
  const pull = (await response.json()) as { number: number };
  return { number, pullNumber: pull.number, branch };
}
/** As the publisher does: the message names the run. */
const commit = ({ github }: GithubScene, branch: string, runId: string, by = "feedback-chat[bot]") =>
  github.pushFiles({
    repo,
    branch,
    by,
    files: { "b.txt": "b" },
    message: `Implement it\n\nRun: ${idOf("run", runId)}`,
  });

const pullOf = ({ github }: GithubScene, number: number) =>
  github.lookAt(repo).pulls.find((pull) => pull.number === number);

/** As the publisher does: the body names the run. */
async function openPull({ github }: GithubScene, head: string, runId: string): Promise<number> {
  const opened = await fetch(`${github.url}/repos/${repo}/pulls`, {
    method: "POST",
    headers: { authorization: `Bearer ${github.addToken({ login: "bot" })}` },
    body: JSON.stringify({ title: "Fix", body: `Late.\n\nRun: ${idOf("run", runId)}`, head, base: "main" }),
  });
  return ((await opened.json()) as { number: number }).number;
}

/** As a person does on the pull request's page. */
async function setPull({ github }: GithubScene, number: number, state: "open" | "closed"): Promise<void> {
  const changed = await fetch(`${github.url}/repos/${repo}/pulls/${number}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${github.addToken({ login: "maintainer" })}` },
    body: JSON.stringify({ state }),
  });
  expect(changed.status).toBe(200);
}

describe("the outbox", () => {
  it("shows each stage as labels, makes those that are missing, and leaves others' alone", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    await runIn(scene, "running", { issueNumber: number });
    await deliverAll(scene);
    expect(issueOf(scene, number)?.labels.toSorted()).toEqual(["auto-implement", "bug", "in-progress"]);
  });

  it("shows a failed run, tells people, and does it once however often it is delivered", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await runIn(scene, "failed", { issueNumber: number });
    await deliverAll(scene);
    await queue(scene, runId, { kind: "issue_labels" });
    await deliverAll(scene);
    expect(issueOf(scene, number)?.labels.toSorted()).toEqual(["agent-failed", "bug"]);
    expect(await outbox(scene)).toContainEqual(
      expect.objectContaining({
        kind: "issue_labels",
        is_done: true,
        last_error: "the labels are right already",
      }),
    );
    expect(await outbox(scene)).toContainEqual(expect.objectContaining({ kind: "notice_failed", is_done: true }));
  });

  it("brings labels once for all the moves that a run has made meanwhile", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await runIn(scene, "failed", { issueNumber: number });
    const before = scene.github.requests.length;
    await queue(scene, runId, { kind: "issue_labels" });
    await deliverAll(scene);
    const looks = scene.github.requests
      .slice(before)
      .filter(({ method, path }) => method === "GET" && /labels/.test(path));
    expect(looks).toHaveLength(1);
    const rows = (await outbox(scene)).filter(({ kind }) => kind === "issue_labels");
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.slice(0, -1).every((row) => row.last_error === "a later one brings the labels")).toBe(true);
    expect(rows.every((row) => row.is_done)).toBe(true);
    expect(issueOf(scene, number)?.labels.toSorted()).toEqual(["agent-failed", "bug"]);
  });

  it("shows the newest run's stage when an older one's effect comes late", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await runIn(scene, "failed", { issueNumber: number });
    await scene.act(runId, { action: "retry" });
    await deliverAll(scene);
    expect(issueOf(scene, number)?.labels.toSorted()).toEqual(["auto-implement", "bug"]);
  });

  it("rejects on GitHub: labels, issue, pull request, and only our branch", async () => {
    await using scene = await open();
    const { number, pullNumber, branch } = await withPull(scene);
    const { runId } = await runIn(scene, "preview_ready", {
      issueNumber: number,
      prNumber: pullNumber,
    });
    await scene.act(runId, { action: "approve" });
    await deliverAll(scene);
    // A person said yes: its merge closes the issue now.
    const body = pullBody(number).replace(`Refs #${number}  \n`, `Closes #${number}  \n`);
    expect(pullOf(scene, pullNumber)).toMatchObject({ isDraft: false, state: "open", body });
    await scene.act(runId, { action: "reject" });
    await commit(scene, branch, runId);
    await queue(scene, runId, { kind: "delete_branch", branch: "main" });
    await queue(scene, runId, { kind: "delete_branch", branch: "feedback/issue-1-abc123" });
    await deliverAll(scene);
    expect(issueOf(scene, number)).toMatchObject({
      state: "closed",
      stateReason: "not_planned",
      labels: ["bug", "rejected"],
    });
    expect(pullOf(scene, pullNumber)).toMatchObject({ state: "closed" });
    expect(Object.keys(scene.github.lookAt(repo).refs).filter((ref) => ref.startsWith("refs/heads/"))).toEqual([
      "refs/heads/main",
    ]);
  });

  it("leaves a branch on which a person has committed, and deletes the second name that the publisher took", async () => {
    await using scene = await open();
    const { number, branch } = await withPull(scene);
    const { runId } = await runIn(scene, "queued", { issueNumber: number });
    await commit(scene, branch, runId);
    await scene.github.pushFiles({ repo, branch, files: { "c.txt": "mine" }, by: "maintainer" });
    await commit(scene, `${branch}x2`, runId);
    await queue(scene, runId, { kind: "delete_branch", branch });
    // Our message on a commit that a person made of ours: amended, or rebased.
    const amended = "feedback/issue-1-amended";
    await commit(scene, amended, runId, "maintainer");
    await queue(scene, runId, { kind: "delete_branch", branch: amended });
    await deliverAll(scene);
    const { refs } = scene.github.lookAt(repo);
    for (const kept of [branch, amended]) expect(Object.keys(refs)).toContain(`refs/heads/${kept}`);
    expect(Object.keys(refs)).not.toContain(`refs/heads/${branch}x2`);
  });

  it("sweeps what a publisher left after its run had ended, and looks again within a minute", async () => {
    await using scene = await open();
    const { number, branch } = await withPull(scene);
    const { runId } = await runIn(scene, "queued", { issueNumber: number });
    await queue(scene, runId, { kind: "sweep_branch", branch });
    await deliverAll(scene);
    // A person's, by its commit.
    expect(Object.keys(scene.github.lookAt(repo).refs)).toContain(`refs/heads/${branch}`);
    const [first] = await outbox(scene);
    expect(first).toMatchObject({ kind: "sweep_branch", is_done: false });
    expect(first?.in_seconds).toBeLessThan(60);

    const late = `${branch}x2`;
    await commit(scene, late, runId);
    const latePull = await openPull(scene, late, runId);
    await asProject(scene.db, scene.projectId, (tx) => sql`update fc.outbox set run_at = now()`.execute(tx));
    await deliverAll(scene);
    expect(Object.keys(scene.github.lookAt(repo).refs)).not.toContain(`refs/heads/${late}`);
    expect(pullOf(scene, latePull)).toMatchObject({ state: "closed" });
  });

  it("leaves what a person brought back after the sweep: the branch, and the pull request", async () => {
    await using scene = await open();
    await scene.setToken();
    const branch = "feedback/issue-1-abc123";
    const { runId } = await runIn(scene, "queued", { issueNumber: 1 });
    const restore = async () => void (await commit(scene, branch, runId));
    await restore();
    const pullNumber = await openPull(scene, branch, runId);
    const sweep = async () => {
      await asProject(scene.db, scene.projectId, (tx) => sql`update fc.outbox set run_at = now()`.execute(tx));
      await deliverAll(scene);
    };
    await queue(scene, runId, { kind: "delete_branch", branch });
    await queue(scene, runId, { kind: "sweep_branch", branch });
    await sweep();
    expect(Object.keys(scene.github.lookAt(repo).refs)).not.toContain(`refs/heads/${branch}`);

    await restore();
    await setPull(scene, pullNumber, "open");
    await sweep();
    expect(Object.keys(scene.github.lookAt(repo).refs)).toContain(`refs/heads/${branch}`);
    expect(pullOf(scene, pullNumber)).toMatchObject({ state: "open" });
    const last = (await outbox(scene)).findLast(({ kind }) => kind === "sweep_branch");
    expect(last?.last_error).toBe("the branch was deleted before, and a person brought it back: it stays");
  });

  it("closes a pull request once: one that a person opened again stays open", async () => {
    await using scene = await open();
    const { number, pullNumber } = await withPull(scene);
    const { runId } = await runIn(scene, "queued", { issueNumber: number });
    await queue(scene, runId, { kind: "close_pull", number: pullNumber, comment: null });
    await deliverAll(scene);
    expect(pullOf(scene, pullNumber)).toMatchObject({ state: "closed" });
    await setPull(scene, pullNumber, "open");
    // Of another move of the same run.
    await queue(scene, runId, { kind: "close_pull", number: pullNumber, comment: null });
    await deliverAll(scene);
    expect(pullOf(scene, pullNumber)).toMatchObject({ state: "open" });
  });

  it("reopens the issue of a rejected run that is tried again, and says so on the old pull request", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await runIn(scene, "queued", { issueNumber: number });
    await scene.act(runId, { action: "reject" });
    await deliverAll(scene);
    await scene.act(runId, { action: "retry" });
    await deliverAll(scene);
    expect(issueOf(scene, number)).toMatchObject({
      state: "open",
      labels: ["bug", "auto-implement"],
    });
  });

  it("posts a comment once, although GitHub's answer was lost", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: number });
    await queue(scene, runId, { kind: "issue_comment", marker: "m1", body: "Held." });
    scene.github.failNext({
      method: "POST",
      path: /comments/,
      when: "after",
      dropConnection: true,
    });
    await deliverEffects(scene.deps);
    await asProject(scene.db, scene.projectId, (tx) => sql`update fc.outbox set run_at = now()`.execute(tx));
    await deliverAll(scene);
    expect(issueOf(scene, number)?.comments).toHaveLength(1);
  });

  it("comes back later when GitHub cannot answer, each time after longer, and gives up with a notice", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: number });
    await queue(scene, runId, { kind: "issue_labels" });
    scene.github.failNext({ path: /labels/, status: 502, times: Infinity });
    const waits: number[] = [];
    for (let n = 1; n <= 60; n += 1) {
      expect(await deliverEffects(scene.deps)).toBe(1);
      waits.push(Math.round((await outbox(scene))[0]?.in_seconds ?? 0));
      await asProject(scene.db, scene.projectId, (tx) => sql`update fc.outbox set run_at = now()`.execute(tx));
    }
    expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16]);
    const [effect, notice] = await outbox(scene);
    expect(effect).toMatchObject({
      is_done: true,
      attempts: 60,
      last_error: expect.stringMatching(/502/) as string,
    });
    expect(notice).toMatchObject({
      kind: "notice_failed",
      payload: { reason: expect.stringMatching(/^issue_labels: /) as string },
    });
  });

  it("holds up none of the others by what it cannot even try, which comes again", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: number });
    await queue(scene, runId, { kind: "issue_labels" });
    await queue(scene, runId, { kind: "notice_failed", reason: "Something." });
    // The token does not open.
    expect(await deliverEffects({ ...scene.deps, sealing: lostSealing() })).toBe(2);
    expect((await outbox(scene)).map(({ kind, is_done }) => ({ kind, is_done }))).toEqual([
      { kind: "issue_labels", is_done: false },
      { kind: "notice_failed", is_done: true },
    ]);
    await asProject(scene.db, scene.projectId, (tx) => sql`update fc.outbox set locked_until = now()`.execute(tx));
    await deliverAll(scene);
    expect((await outbox(scene)).map(({ is_done }) => is_done)).toEqual([true, true]);
  });

  it("waits as long as GitHub says", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: number });
    await queue(scene, runId, { kind: "issue_labels" });
    scene.github.failNext({ path: /labels/, status: 403, headers: { "retry-after": "90" } });
    await deliverEffects(scene.deps);
    expect(Math.round((await outbox(scene))[0]?.in_seconds ?? 0)).toBe(90);
  });

  it("is done, and says so truthfully, without a token, and when the issue is gone", async () => {
    await using scene = await open();
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: 404 });
    await queue(scene, runId, { kind: "issue_labels" });
    await deliverAll(scene);
    await scene.setToken();
    await queue(scene, runId, { kind: "close_issue", reason: "completed" });
    await deliverAll(scene);
    expect(await outbox(scene)).toMatchObject([
      { is_done: true, last_error: "no github token" },
      { is_done: true, last_error: expect.stringMatching(/Not Found/) as string },
    ]);
  });

  it("is delivered once by two servers at once", async () => {
    await using scene = await open();
    const { number } = await withPull(scene);
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: number });
    for (let n = 0; n < 5; n += 1) await queue(scene, runId, { kind: "issue_comment", marker: `m${n}`, body: "Said." });
    const taken = await Promise.all([1, 2, 3].map(() => deliverEffects(scene.deps)));
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(5);
    expect(issueOf(scene, number)?.comments).toHaveLength(5);
  });
});
