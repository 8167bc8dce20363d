import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { reconcile, type Rounds } from "../../src/github/reconcile.ts";
import { redeliverMissed } from "../../src/github/redeliver-missed.ts";
import { asProject } from "../../src/platform/as-tenant.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { openServer } from "../../src/platform/open-server.ts";
import { type GithubScene, openGithubScene, repo } from "../support/github-scene.ts";
import { quietLog } from "../support/open-test-database.ts";
import { openRestartablePostgres } from "../support/restart-postgres.ts";
import { shareDatabase } from "../support/share-database.ts";
import { until } from "../support/until.ts";

const database = shareDatabase("server");
const labels = ["auto-implement"];
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const freshRounds = (): Rounds => ({ seen: new Map(), known: new Set() });

/** Opening it and its label are a delivery each. */
const label = (scene: GithubScene) => scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
/** The owner's token may see and use the repository's hooks; the bot's may not. */
const setHookRights = (scene: GithubScene) =>
  scene.setTokenOf(scene.projectId, scene.github.addToken({ login: "acme" }));
const redeliver = ({ deps, projectId }: GithubScene) => redeliverMissed(deps, projectId, daysAgo(3));
const round = ({ deps, projectId }: GithubScene, rounds = freshRounds()) =>
  reconcile(deps, rounds, { id: projectId, triggerLabel: "auto-implement" });
const askedAgain = ({ github }: GithubScene) => github.requests.filter(({ path }) => path.endsWith("/attempts")).length;

describe("deliveries that were missed", () => {
  it("case 11: come again with hook rights after the server was down, and make one run", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(2);
    label(scene);
    expect(await scene.runs()).toEqual([]);
    const { hasHookRights, count } = await redeliver(scene);
    expect(hasHookRights).toBe(true);
    expect(count).toBeGreaterThan(0);
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toMatchObject([{ issue: 1, stage: "queued" }]);
    expect(await redeliver(scene)).toEqual({ hasHookRights: true, count: 0, trouble: null });
  });

  it("case 11: make one run when two replicas find them at once, by redelivery and by the list of issues", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(2);
    label(scene);
    await Promise.all([round(scene), round(scene)]);
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toHaveLength(1);
  });

  it("case 11: are found without hook rights by the list of issues, and nothing is asked again", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(2);
    label(scene);
    expect(await round(scene)).toEqual({ hasHookRights: false, redelivered: 0, issues: [1], trouble: null });
    expect(askedAgain(scene)).toBe(0);
    expect(await scene.runs()).toHaveLength(1);
  });

  it("case 10: come again once the database is back that was down, and make exactly one job", async () => {
    await using cluster = await openRestartablePostgres();
    await using server = openServer({ log: quietLog }, { url: cluster.url, poolSize: 10 });
    await migrate(server.db);
    await using scene = await openGithubScene({ on: { ...server, url: cluster.url } });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    cluster.stop();
    label(scene);
    await scene.github.webhooks.settled();
    cluster.restart();
    await until(async () => (await redeliver(scene).catch(() => ({ count: 0 }))).count > 0);
    await scene.github.webhooks.settled();
    await round(scene);
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toHaveLength(1);
  });

  it("of a closed issue start nothing, although its opening was missed too", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(3);
    const { number } = label(scene);
    await scene.github.closeIssue({ repo, number });
    expect((await redeliver(scene)).count).toBeGreaterThan(1);
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toEqual([]);
  });

  it("are not asked for without end when the server refuses each of them", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await asProject(scene.db, scene.projectId, (tx) =>
      sql`update fc.projects set webhook_secret = ${Buffer.from("")} where id = ${scene.projectId}`.execute(tx),
    );
    label(scene);
    await scene.github.webhooks.settled();
    const counts: number[] = [];
    for (let turn = 0; turn < 15; turn += 1) {
      counts.push((await redeliver(scene)).count);
      await scene.github.webhooks.settled();
    }
    expect(counts.slice(0, 11).every((count) => count > 0)).toBe(true);
    expect(counts.slice(11)).toEqual([0, 0, 0, 0]);
  });

  it("are left when GitHub is away, and found at the next round, which looks back as far as the first", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(2);
    label(scene);
    const rounds = freshRounds();
    scene.github.failNext({ path: /hooks/, status: 503 });
    const first = await round(scene, rounds);
    expect(first).toMatchObject({ hasHookRights: true, redelivered: 0, issues: [1] });
    expect(first.trouble).not.toBeNull();
    expect(rounds.known.size).toBe(0);
    expect((await round(scene, rounds)).redelivered).toBeGreaterThan(0);
    expect(rounds.known.size).toBe(1);
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toHaveLength(1);
  });
});

describe("a person's reconcile", () => {
  it("does the round at once, tells what it found, and is limited", async () => {
    await using scene = await openGithubScene({ on: database() });
    await setHookRights(scene);
    scene.hook();
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(2);
    label(scene);
    const ask = () => scene.ask("POST", `/v1/projects/${idOf("prj", scene.projectId)}/reconcile`);
    const answer = await ask();
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ hasHookRights: true, redelivered: 2, trouble: null });
    await scene.github.webhooks.settled();
    expect(await scene.runs()).toHaveLength(1);
    for (let turn = 0; turn < 5; turn += 1) await ask();
    expect((await ask()).status).toBe(429);
  });

  it("starts nothing while the project is paused", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    label(scene);
    await asProject(scene.db, scene.projectId, (tx) =>
      sql`update fc.projects set is_paused = true where id = ${scene.projectId}`.execute(tx),
    );
    const answer = await scene.ask("POST", `/v1/projects/${idOf("prj", scene.projectId)}/reconcile`);
    expect(await answer.json()).toMatchObject({ runs: 0, trouble: "The project is paused." });
    expect(await scene.runs()).toEqual([]);
  });
});
