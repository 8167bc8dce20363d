import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject } from "../../src/platform/as-tenant.ts";
import { seedKey } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { issueEvent, openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";
import { shareDatabase } from "../support/share-database.ts";

const database = shareDatabase("server");

/** The run's job, in a worker's hands. */
async function claim(scene: WebhookScene) {
  const { key } = await seedKey(scene.db, { kind: "worker", workspaceId: scene.workspaceId });
  const worker = await openTestWorker(scene.app, key);
  await asProject(scene.db, scene.projectId, async (tx) => {
    await sql`update fc.job_queue set run_at = now()`.execute(tx);
    await sql`update fc.pipeline_runs set waiting_for = 'worker', phase = null`.execute(tx);
  });
  const { lease } = await worker.claim();
  if (!lease) throw new Error("Nothing was claimed.");
  return { worker, lease };
}

describe("case 7: an issue edited after the gate", () => {
  it("keeps the run's snapshot, says that it changed, and gives a retry the new text", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ title: "Old words" }));
    const edit = issueEvent({
      action: "edited",
      title: "New words",
      at: 1,
      changes: { title: { from: "Old words" } },
    });
    expect(await scene.deliver(edit)).toMatchObject({
      body: { status: "ignored", reason: "the run keeps its snapshot" },
    });
    expect(await scene.runs()).toMatchObject([
      { title: "Old words", stage: "queued", events: ["admitted", "issue_edited"] },
    ]);
  });

  it("says nothing of an edit from before the gate, nor of one without a run", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ at: 5 }));
    const changes = { title: { from: "x" } };
    await scene.deliver(issueEvent({ action: "edited", at: 4, changes }));
    await scene.deliver(issueEvent({ action: "edited", at: 6, changes, number: 8 }));
    expect(await scene.runs()).toMatchObject([{ events: ["admitted"] }]);
  });
});

describe("case 8: an issue that is closed", () => {
  it("cancels a pending run, and starts a new one when it is opened again, even in the same second", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent());
    await scene.deliver(issueEvent({ action: "closed" }));
    expect(await scene.runs()).toMatchObject([
      {
        stage: "failed",
        reason: "issue_closed",
        job_status: "failed",
        events: ["admitted", "cancelled"],
      },
    ]);
    expect(await scene.deliver(issueEvent({ action: "reopened" }))).toMatchObject({ status: 202 });
    expect(await scene.runs()).toMatchObject([{ stage: "failed" }, { stage: "queued" }]);
  });

  it("asks the worker of a processing run to stop", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent());
    const { worker, lease } = await claim(scene);
    await scene.deliver(issueEvent({ action: "closed", at: 1 }));
    const { body } = await worker.say(lease, "renew", { waitS: 0 });
    expect(body).toMatchObject({ cancel: true });
    expect(await scene.runs()).toMatchObject([{ job_status: "processing", cancel: { reason: "issue_closed" } }]);
  });

  it("is not cancelled by a closing from before its own start", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ action: "reopened", at: 5 }));
    await scene.deliver(issueEvent({ action: "closed", at: 4 }));
    expect(await scene.runs()).toMatchObject([{ stage: "queued" }]);
  });
});

describe("case 9: an issue that goes away", () => {
  it.each([
    ["deleted", "issue_deleted"],
    ["transferred", "issue_transferred"],
  ])("when it is %s, the run is cancelled with that reason", async (action, reason) => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent());
    await scene.deliver(issueEvent({ action }));
    expect(await scene.runs()).toMatchObject([{ stage: "failed", reason }]);
    expect(await scene.deliver(issueEvent({ at: 0, labels: ["auto-implement", "x"] }))).toMatchObject({
      body: { status: "ignored" },
    });
  });

  it("accepts a renamed repository with the same id, and takes over its name", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const answer = await scene.deliver(issueEvent({ repository: { full_name: "acme/corner-shop" } }));
    expect(answer).toMatchObject({ status: 202 });
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select github_repo from fc.projects`.execute(tx),
    );
    expect(rows).toEqual([{ github_repo: "acme/corner-shop" }]);
  });

  it("ignores a repository of the same name with another id", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const answer = await scene.deliver(issueEvent({ repository: { id: 1 } }));
    expect(answer).toMatchObject({
      body: { status: "ignored", reason: "it is of another repository" },
    });
  });
});
