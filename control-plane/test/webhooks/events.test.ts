import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { issueEvent, openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";
import { shareDatabase } from "../support/share-database.ts";

type Event = Record<string, unknown> & { id: string };
type Page = { items: Event[]; nextCursor: string | null };

const pathOf = ({ projectId }: WebhookScene, rest: string) => `/v1/projects/${idOf("prj", projectId)}/${rest}`;

async function list(scene: WebhookScene, query = ""): Promise<Page> {
  const response = await scene.ask("GET", pathOf(scene, `webhook-events${query}`));
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

async function replay(scene: WebhookScene, id: string) {
  const response = await scene.ask("POST", `/v1/webhook-events/${id}/replay`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const only = async (scene: WebhookScene) => (await list(scene)).items[0] ?? { id: "" };

async function endRuns({ db, projectId }: WebhookScene): Promise<void> {
  await asProject(db, projectId, async (tx) => {
    await sql`update fc.job_queue set status = 'failed', completed_at = now()`.execute(tx);
    await sql`update fc.pipeline_runs set stage = 'failed', result = 'failed', completed_at = now()`.execute(tx);
  });
}

describe.each(kinds)("webhook events, on %s", (kind) => {
  const database = shareDatabase(kind);

  it("are listed newest first with what became of them, page by page", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent(), { guid: "one" });
    await scene.deliver(issueEvent({ action: "labeled", label: "auto-implement" }), { guid: "two" });
    await scene.deliver({ ref: "refs/heads/main" }, { event: "push", guid: "three" });
    const first = await list(scene, "?limit=2");
    expect(first.items).toMatchObject([
      { guid: "three", event: "push", status: "ignored", canReplay: false, issueNumber: null },
      { guid: "two", action: "labeled", status: "already_queued", reason: "run_active", canReplay: true },
    ]);
    const second = await list(scene, `?limit=2&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ items: [{ guid: "one", status: "queued", issueNumber: 7 }], nextCursor: null });
    expect((await scene.ask("GET", pathOf(scene, "webhook-events?cursor=x"))).status).toBe(400);
  });

  it("are replayed: what was not taken then starts its run now, once, and the person is noted", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ at: 0 }));
    await scene.deliver(issueEvent({ at: 5, action: "labeled", label: "auto-implement" }));
    await endRuns(scene);
    const { id } = await only(scene);
    const [one, two] = await Promise.all([replay(scene, id), replay(scene, id)]);
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(new Set([one.body["status"], two.body["status"]])).toEqual(new Set(["already_queued", "queued"]));
    expect(await scene.runs()).toHaveLength(2);
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select target, actor->>'kind' as kind from fc.audit_logs where action = 'webhook_event.replayed'`.execute(tx),
    );
    expect(rows).toEqual([
      { target: id, kind: "user" },
      { target: id, kind: "user" },
    ]);
  });

  it("start no second run by a replay of the event that started the last one, however often", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent(), { contentType: "application/x-www-form-urlencoded" });
    await endRuns(scene);
    const { id } = await only(scene);
    for (let turn = 0; turn < 2; turn += 1)
      expect(await replay(scene, id)).toMatchObject({ status: 202, body: { status: "ignored" } });
    expect(await scene.runs()).toHaveLength(1);
  });

  it("of another tenant are not there, and what was ignored has nothing to replay", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await using other = await openWebhookScene({ on: database() });
    await other.deliver(issueEvent());
    const foreign = await only(other);
    expect(await replay(scene, foreign.id)).toMatchObject({ status: 404, body: { code: "not_found" } });
    await scene.deliver({ ref: "refs/heads/main" }, { event: "push" });
    expect(await replay(scene, (await only(scene)).id)).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  it("are replayed and reconciled by members, and by no viewer", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent());
    const { id } = await only(scene);
    const headers = { authorization: `Bearer ${await scene.keyOf("viewer")}` };
    for (const path of [`/v1/webhook-events/${id}/replay`, pathOf(scene, "reconcile")])
      expect((await scene.ask("POST", path, undefined, headers)).status).toBe(403);
    expect((await scene.ask("GET", pathOf(scene, "webhook-events"), undefined, headers)).status).toBe(200);
  });
});
