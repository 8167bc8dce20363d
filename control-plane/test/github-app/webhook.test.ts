import { createHmac, randomUUID } from "node:crypto";
import { appWebhookAnswer } from "@feedback-chat/protocol/github-app";
import { projectCheck } from "@feedback-chat/protocol/check";
import { webhookEventPage } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { admitRun } from "../../src/github/admit-run.ts";
import { redeliverAppMissed } from "../../src/github-app/redeliver-app-missed.ts";
import { openApp } from "../../src/github-app/open-app.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { type AppScene, openAppScene, repo } from "../support/app-scene.ts";

let scene: AppScene;
let installationId: number;
let secret: string;
const labels = ["auto-implement"];

beforeAll(async () => {
  scene = await openAppScene();
  expect((await deliverByHand({ repository: { id: 1 } }, { secret: "nobody's" })).status).toBe(401);
  await scene.makeApp();
  const { id } = scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: [repo] });
  installationId = id;
  secret = (await openApp(scene.platform.deps))?.webhookSecret ?? "";
});
afterAll(() => scene[Symbol.asyncDispose]());
/** Each test begins connected, whatever the one before did. */
beforeEach(async () => {
  const { id } = scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: [repo] });
  installationId = id;
  expect((await scene.connect()).status).toBe(200);
  await scene.github.webhooks.settled();
});

type Sent = { secret?: string; event?: string; guid?: string; size?: number };
async function deliverByHand(payload: object, sent: Sent = {}) {
  const body = JSON.stringify(payload) + " ".repeat(sent.size ?? 0);
  const signature = createHmac("sha256", sent.secret ?? secret)
    .update(body)
    .digest("hex");
  const response = await fetch(`${scene.url}/api/github/webhook`, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "x-github-event": sent.event ?? "issues",
      "x-github-delivery": sent.guid ?? randomUUID(),
      "x-hub-signature-256": `sha256=${signature}`,
    },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const query = async <T>(make: (id: string) => ReturnType<typeof sql<T>>) => {
  const { projectId } = scene.project;
  const { rows } = await asProject(scene.platform.deps.db, projectId, (tx) => make(projectId).execute(tx));
  return rows;
};
type Run = { id: string; issue: number; waitingFor: string | null; reason: string | null; reasonText: string | null };
const runsOf = (issue: number) =>
  query<Run>(
    (
      id,
    ) => sql`select id, github_issue_number as issue, waiting_for as "waitingFor", reason, reason_text as "reasonText"
      from fc.pipeline_runs where project_id = ${id} and github_issue_number = ${issue}`,
  );
const accessOf = async () =>
  (
    await query<{ access: string | null; repo: string }>(
      (id) => sql`select github_access as access, github_repo as repo from fc.projects where id = ${id}`,
    )
  )[0];
const labelled = async (title: string) => {
  const { number } = scene.github.openIssue({
    repo: (await accessOf())?.repo ?? repo,
    author: "maintainer",
    title,
    labels,
  });
  await scene.github.webhooks.settled();
  return number;
};
const admit = (runId: string) => admitRun(scene.platform.deps, { id: runId, projectId: scene.project.projectId });

describe("the App's webhook", () => {
  it("makes one run of a labelled issue, without any webhook of the project's", async () => {
    const number = await labelled("One");
    const runs = await runsOf(number);
    expect(runs).toHaveLength(1);
    await admit(runs[0]?.id ?? "");
    expect(await runsOf(number)).toMatchObject([{ waitingFor: "worker", reason: null }]);
  });

  it("counts what came by the project's webhook too once, whether its GUID is the same or not", async () => {
    const hookId = scene.github.addHook({ repo, url: scene.project.webhook.url, secret: scene.project.webhook.secret });
    const number = await labelled("Both ways");
    expect(await runsOf(number)).toHaveLength(1);
    const mine = scene.github.webhooks.deliveries.filter((one) => one.hookId === hookId && one.event === "issues");
    expect(mine.length).toBeGreaterThan(0);
    await scene.github.closeIssue({ repo, number });
    await scene.github.webhooks.settled();
    const at = new Date(Date.now() + 5_000).toISOString().replace(/\.\d+/, "");
    const issue = {
      number: number + 100, title: "By hand", body: "x", html_url: "https://github.com/x", user: { login: "maintainer" },
      labels: [{ name: "auto-implement" }], state: "open", updated_at: at,
    }; // prettier-ignore
    const payload = {
      action: "opened",
      issue,
      repository: { id: scene.repositoryId, full_name: repo },
      sender: { login: "maintainer" },
    };
    const own = JSON.stringify(payload);
    const signature = createHmac("sha256", scene.project.webhook.secret).update(own).digest("hex");
    const byProject = await fetch(scene.project.webhook.url, {
      method: "POST",
      body: own,
      headers: {
        "content-type": "application/json", "x-github-event": "issues", "x-github-delivery": randomUUID(),
        "x-hub-signature-256": `sha256=${signature}`,
      },
    }); // prettier-ignore
    expect(byProject.status).toBe(202);
    const edited = {
      ...payload,
      action: "edited",
      changes: { title: { from: "x" } },
      installation: { id: installationId },
    };
    const [first, second] = await Promise.all([
      deliverByHand({ ...payload, installation: { id: installationId } }),
      deliverByHand(edited),
    ]);
    expect(appWebhookAnswer.parse(first.body).answers).toMatchObject([{ status: "duplicate" }]);
    expect(second.status).toBe(200);
    const { body } = await scene.platform.call("GET", `/v1/projects/${scene.project.id}/webhook-events?limit=100`, {
      headers: scene.owner,
    });
    const events = webhookEventPage.parse(body).items.filter(({ issueNumber }) => issueNumber === number + 100);
    expect(events.map(({ status }) => status).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "duplicate",
      "handled",
      "queued",
    ]);
    const again = JSON.stringify({ ...edited, installation: undefined });
    const answer = await fetch(scene.project.webhook.url, {
      method: "POST",
      body: again,
      headers: {
        "content-type": "application/json", "x-github-event": "issues", "x-github-delivery": randomUUID(),
        "x-hub-signature-256": `sha256=${createHmac("sha256", scene.project.webhook.secret).update(again).digest("hex")}`,
      },
    }); // prettier-ignore
    expect(await answer.json()).toEqual({ status: "duplicate", reason: "the same event came by the other webhook" });
  });

  it("believes the App's signature alone, bounds what it reads, and gives nothing to other repositories or installations", async () => {
    const issue = { repository: { id: scene.repositoryId, full_name: repo }, installation: { id: installationId } };
    expect((await deliverByHand(issue, { secret: scene.project.webhook.secret })).status).toBe(401);
    expect((await deliverByHand(issue, { size: 3 * 1024 * 1024 })).status).toBe(413);
    expect((await deliverByHand({}, { guid: "not a guid!" })).status).toBe(400);
    expect((await deliverByHand({ zen: "x" }, { event: "ping" })).body).toMatchObject({ status: "pong" });
    for (const other of [
      { ...issue, repository: { id: 1 } },
      { ...issue, installation: { id: 1 } },
    ])
      expect((await deliverByHand(other)).body).toMatchObject({ status: "ignored", answers: [] });
  });

  it("is asked again for what it missed, and makes one run of it", async () => {
    const ago = new Date(Date.now() - 3_600_000);
    await redeliverAppMissed(scene.platform.deps, ago);
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext(8);
    const { number } = scene.github.openIssue({ repo, author: "maintainer", title: "Missed", labels });
    await scene.github.webhooks.settled();
    expect(await runsOf(number)).toEqual([]);
    scene.github.webhooks.loseNext(0);
    const lost = await redeliverAppMissed(scene.platform.deps, ago);
    expect(lost.count).toBeGreaterThan(0);
    await redeliverAppMissed(scene.platform.deps, ago);
    await scene.github.webhooks.settled();
    await redeliverAppMissed(scene.platform.deps, ago);
    await scene.github.webhooks.settled();
    expect(await runsOf(number)).toHaveLength(1);
    expect(await redeliverAppMissed(scene.platform.deps, ago)).toEqual({ count: 0, trouble: null });
  });
});

describe("what becomes of an installation", () => {
  it("lets a run wait for access with the page that mends it, and go on once it is lifted", async () => {
    scene.github.suspendApp({ installationId });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "suspended" });
    const { number } = scene.github.openIssue({ repo, author: "maintainer", title: "Suspended", labels });
    // GitHub sends nothing of a suspended installation.
    expect(await runsOf(number)).toEqual([]);
    scene.github.unsuspendApp({ installationId });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "active" });
    const next = await labelled("Lifted");
    const [run] = await runsOf(next);
    scene.github.suspendApp({ installationId });
    await scene.github.webhooks.settled();
    await admit(run?.id ?? "");
    expect(await runsOf(next)).toMatchObject([
      {
        waitingFor: "credential",
        reason: "github_access",
        reasonText: expect.stringContaining(`/api/github/connect/${scene.project.id}`) as string,
      },
    ]);
    scene.github.unsuspendApp({ installationId });
    await scene.github.webhooks.settled();
    await admit(run?.id ?? "");
    expect(await runsOf(next)).toMatchObject([{ waitingFor: "worker" }]);
  });

  it("ends the access of a repository that was taken out, until a person connects it again", async () => {
    scene.github.removeFromInstallation({ repo, installationId });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "removed" });
    const path = `/v1/projects/${scene.project.id}/check`;
    const { credentials, labels: found } = projectCheck.parse((await scene.platform.call("GET", path, { headers: scene.owner })).body); // prettier-ignore
    // The page that mends it, not a token that nobody had.
    for (const finding of [credentials, found])
      expect(finding).toMatchObject({ ok: false, next: expect.stringContaining(`/api/github/connect/${scene.project.id}`) as string }); // prettier-ignore
    scene.github.installApp({ app: "feedback-chat-127-0-0-1", repositories: [repo] });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "removed" });
    expect((await scene.connect()).status).toBe(200);
    expect(await accessOf()).toMatchObject({ access: "active" });
  });

  it("believes GitHub and not the order of events: an old one that comes late changes nothing", async () => {
    const installation = { id: installationId };
    await deliverByHand({ action: "suspend", installation }, { event: "installation" });
    await deliverByHand({ action: "deleted", installation }, { event: "installation" });
    const gone = [{ id: scene.repositoryId }];
    await deliverByHand(
      { action: "removed", installation, repositories_removed: gone },
      { event: "installation_repositories" },
    );
    expect(await accessOf()).toMatchObject({ access: "active" });
  });

  it("ends with the App's removal, and is told in the audit log", async () => {
    scene.github.uninstallApp({ installationId });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "removed" });
    const { rows } = await asSystem(scene.platform.deps.db, (tx) =>
      sql`select from fc.audit_logs where action = 'github_app.removed'`.execute(tx),
    );
    expect(rows.length).toBeGreaterThan(0);
  });

  it("takes over a new name, and loses what moves to another account", async () => {
    scene.github.renameRepository({ repo, name: "store" });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toEqual({ access: "active", repo: "acme/store" });
    scene.github.transferRepository({ repo: "acme/store", to: "globex" });
    await scene.github.webhooks.settled();
    expect(await accessOf()).toMatchObject({ access: "removed" });
  });
});
