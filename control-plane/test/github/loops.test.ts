import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { startGate } from "../../src/github/start-gate.ts";
import { startGitHubWork } from "../../src/github/start-github-work.ts";
import { startPolling } from "../../src/github/start-polling.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { takeLead } from "../../src/platform/take-lead.ts";
import { kinds } from "../support/open-test-database.ts";
import { openGithubScene, repo } from "../support/github-scene.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { until } from "../support/until.ts";

const labels = ["auto-implement"];

describe.each(kinds)("the work with GitHub in the background, on %s", (kind) => {
  it("takes an issue from the webhook through the gate to a waiting worker, and shows it on the issue", async () => {
    await using scene = await openGithubScene({ kind });
    await scene.setToken();
    scene.hook();
    const work = startGitHubWork(scene.deps);
    const { key } = await seedKey(scene.db, { kind: "worker", workspaceId: scene.workspaceId });
    const worker = await openTestWorker(scene.app, key);
    const claiming = worker.claim(10);
    scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const { lease } = await claiming;
    expect(lease?.job).toMatchObject({
      issueNumber: 1,
      origin: "maintainer",
      resumeAt: "snapshot",
    });
    await until(async () => scene.github.lookAt(repo).issues[0]?.labels.includes("in-progress"));
    await work.stop();
  });

  it("finds at its start what was labelled while no webhook came", async () => {
    await using scene = await openGithubScene({ kind });
    await scene.setToken();
    scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const work = startGitHubWork(scene.deps);
    await until(async () => (await scene.runs())[0]?.waiting_for === "worker");
    await work.stop();
  });

  it("asks for what was missed on one replica of two, and on the other as soon as the first has gone", async () => {
    await using scene = await openGithubScene({
      kind,
      figures: { pollIssuesEverySeconds: 0.3, sweepEverySeconds: 0.1 },
    });
    await scene.setToken();
    const asked = () => scene.github.requests.filter(({ path }) => path.includes("/issues?")).length;
    const gone: string[] = [];
    const logOf = (name: string) => ({ ...scene.deps.log, info: () => void gone.push(name) });
    const first = startPolling({ ...scene.deps, log: logOf("first") });
    await until(() => Promise.resolve(asked() > 0));
    const second = startPolling({ ...scene.deps, log: logOf("second") });
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    await until(async () => (await scene.runs()).length === 1);
    await first.stop();
    scene.github.openIssue({ repo, author: "maintainer", title: "Two", labels });
    await until(async () => (await scene.runs()).length === 2);
    await second.stop();
    expect(gone).toEqual(["first", "second"]);
  });

  it("follows a replica that was killed in the lead, once it has been silent for long enough", async () => {
    await using scene = await openGithubScene({ kind });
    const [killed, next] = [randomUUID(), randomUUID()];
    const lead = { name: "poll", seconds: 0.2 };
    const take = (holder: string) => takeLead(scene.deps, { ...lead, holder });
    expect([await take(killed), await take(killed), await take(next)]).toEqual([true, true, false]);
    await until(() => take(next));
    expect(await take(killed)).toBe(false);
  });

  it("asks GitHub once about a run that two replicas were told of", async () => {
    await using scene = await openGithubScene({ kind });
    await scene.setToken();
    const gates = [startGate(scene.deps), startGate(scene.deps)];
    scene.hook();
    await scene.github.webhooks.settled();
    const before = scene.github.requests.length;
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    await until(async () => (await scene.runs())[0]?.waiting_for === "worker");
    await Promise.all(gates.map((gate) => gate.stop()));
    const asked = scene.github.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it("admits a project's run while another project's GitHub keeps it waiting", async () => {
    await using scene = await openGithubScene({ kind });
    const { db, workspaceId } = scene;
    const other = await seedProject(db, { workspaceId, githubRepo: "acme/other" });
    await scene.setTokenOf(other, scene.github.addToken({ login: "bot" }));
    await scene.setToken();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    scene.github.failNext({ path: /acme\/other/, delayUntil: answered });
    await seedRun(db, { projectId: other, isParked: true });
    const { number } = scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const issue = { author: "maintainer", labels, hasFeedbackLabel: false };
    await seedRun(db, { projectId: scene.projectId, issueNumber: number, issue, isParked: true });
    const work = startGate(scene.deps);
    // Its request would be given up after ten seconds.
    await until(async () => (await scene.runs())[0]?.waiting_for === "worker", 6_000);
    answer();
    await work.stop();
  });

  it("admits a project's run while two hundred of another project wait for their token's rights", async () => {
    await using scene = await openGithubScene({ kind });
    const { db, workspaceId } = scene;
    const other = await seedProject(db, { workspaceId, githubRepo: "acme/other" });
    await scene.setTokenOf(other, "ghp_that-github-does-not-know");
    for (let number = 1; number <= 200; number += 1)
      await seedRun(db, { projectId: other, issueNumber: number, isParked: true });
    await scene.setToken();
    const work = startGate(scene.deps);
    const waiting = async () => {
      const { rows } = await asSystem(db, (tx) =>
        sql`select from fc.pipeline_runs where project_id = ${other} and waiting_for = 'credential'`.execute(tx),
      );
      return rows.length === 200;
    };
    await until(waiting, 30_000);
    const { number } = scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const issue = { author: "maintainer", labels, hasFeedbackLabel: false };
    await seedRun(db, { projectId: scene.projectId, issueNumber: number, issue, isParked: true });
    await until(async () => (await scene.runs())[0]?.waiting_for === "worker");
    await work.stop();
  });
});
