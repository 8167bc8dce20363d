import { randomUUID } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { type Action, actions } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject } from "../../src/platform/as-tenant.ts";
import { runIn, type Standing, standings } from "../support/run-standing.ts";
import { seedKey, seedUser } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";
import { openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

const database = shareDatabase("server");

/** Where each allowed action leads: stage, and what the run waits for. All others are refused. */
const leadsTo: Record<Standing, Partial<Record<Action, string>>> = {
  queued: { reject: "rejected", cancel: "failed" },
  "asking the reporter": { reject: "rejected", answer: "queued worker", cancel: "failed" },
  running: { reject: "running", cancel: "running" },
  validating: { reject: "validating", cancel: "validating" },
  held: {
    approve: "validating worker", reject: "rejected", request_changes: "queued worker", cancel: "failed",
  },
  preview_ready: { approve: "preview_ready", reject: "rejected", request_changes: "queued worker" },
  deployed: {},
  failed: { retry: "queued github", reject: "rejected" },
  rejected: { retry: "queued github" },
}; // prettier-ignore

async function effects({ db, projectId }: WebhookScene) {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ kind: string; payload: object }>`select kind, payload from fc.outbox order by id`.execute(tx),
  );
  return rows.map(({ kind, payload }) => ({ kind, ...payload }));
}

async function eventsOf({ db, projectId }: WebhookScene, runId: string) {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{
      event: string;
      login: string | null;
    }>`select event, actor ->> 'login' as login from fc.run_events where run_id = ${runId} order by seq`.execute(tx),
  );
  return rows;
}

describe.each(standings)("actions on a run that is %s", (standing) => {
  it.each(actions)("%s", async (action) => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, standing);
    const before = await eventsOf(scene, runId);
    const answer = await scene.act(runId, { action, comment: "Because." });
    const expected = leadsTo[standing][action];
    if (expected === undefined) {
      expect(answer).toMatchObject({
        status: 409,
        body: {
          code: "invalid_transition",
          allowed: actions.filter((one) => leadsTo[standing][one] !== undefined),
        },
      });
      expect(await eventsOf(scene, runId)).toEqual(before);
      return;
    }
    expect(answer.status).toBe(202);
    const run = answer.body["run"] as { stage: string; waitingFor: string | null };
    expect([run.stage, run.waitingFor].filter(Boolean).join(" ")).toBe(expected);
    const added = (await eventsOf(scene, runId)).slice(before.length);
    expect(added.map(({ login }) => login)).toEqual(["the-member"]);
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select a.action, a.comment, a.actor ->> 'login' as login, l.action as audited
        from fc.run_actions a join fc.audit_logs l on l.target = ${idOf("run", runId)} and l.action = 'run.' || a.action
        where a.run_id = ${runId} and a.action = ${action} order by a.id desc limit 1`.execute(tx),
    );
    expect(rows).toEqual([{ action, comment: "Because.", login: "the-member", audited: `run.${action}` }]);
  });
});

describe("an action", () => {
  it("approves the very tree that was shown, and lets a worker publish it", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId, worker } = await runIn(scene, "held");
    await scene.act(runId, { action: "approve" });
    const { lease } = await worker.claim();
    expect(lease?.job).toMatchObject({ resumeAt: "publish", approvedBy: "the-member" });
  });

  it("approves a draft by marking it ready", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "preview_ready");
    await scene.act(runId, { action: "approve" });
    expect(await effects(scene)).toContainEqual({ kind: "mark_ready", number: 12 });
  });

  it("rejects an open pull request by closing it, its issue, and deleting only our branch", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "preview_ready");
    const before = (await effects(scene)).length;
    await scene.act(runId, { action: "reject", comment: "Not what we want." });
    expect((await effects(scene)).slice(before)).toEqual([
      { kind: "issue_labels" },
      { kind: "close_issue", reason: "not_planned" },
      { kind: "close_pull", number: 12, comment: null },
      { kind: "delete_branch", branch: expect.stringMatching(/^feedback\/issue-/) as string },
    ]);
  });

  it("reopens the job with three fresh attempts for changes, on the same branch, with the person's text", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId, worker, jobId } = await runIn(scene, "preview_ready");
    const answer = await scene.act(runId, { action: "request_changes", comment: "Round it up." });
    expect(answer.body["jobId"]).toBe(idOf("job", jobId));
    const { lease } = await worker.claim();
    expect(lease?.job).toMatchObject({
      resumeAt: "snapshot",
      changeRequest: "Round it up.",
      prNumber: 12,
    });
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select max_attempts - attempt as left from fc.job_queue where id = ${jobId}`.execute(tx),
    );
    expect(rows).toEqual([{ left: 2 }]);
  });

  it("retries with a new run that names its parent, and closes the old pull request with a link", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "preview_ready");
    await scene.act(runId, { action: "reject" });
    const { body } = await scene.act(runId, { action: "retry" });
    expect(body["run"]).toMatchObject({
      parentRunId: idOf("run", runId),
      stage: "queued",
      triggeredBy: "reporter",
    });
    expect(body["jobId"]).toMatch(/^job_/);
    const { id } = body["run"] as { id: string };
    expect(await effects(scene)).toContainEqual({
      kind: "close_pull",
      number: 12,
      comment: expect.stringMatching(new RegExp(`^Closed: #\\d+ is tried again by run ${id}\\.$`)) as string,
    });
  });

  it("needs a comment where it is the point, and says so", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "held");
    expect(await scene.act(runId, { action: "request_changes", comment: "  " })).toMatchObject({
      status: 422,
      body: { code: "validation_failed", errors: [{ path: "comment" }] },
    });
  });

  it("is refused when the run has left the stage that the person saw", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "running");
    const answer = await scene.act(runId, { action: "cancel", expectedStage: "queued" });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: "stage_changed", stage: "running" },
    });
  });

  it.each(["approve", "cancel"])("decides once of two people who %s at once", async (action) => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "held");
    const answers = await Promise.all([1, 2].map(() => scene.act(runId, { action })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
  });

  it("makes one run of two retries at once", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "failed");
    const answers = await Promise.all([1, 2].map(() => scene.act(runId, { action: "retry" })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    expect(await scene.runs()).toHaveLength(2);
  });

  it("answers a double click with one Idempotency-Key the same way twice", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "failed");
    const headers = { "idempotency-key": randomUUID() };
    const first = await scene.act(runId, { action: "retry" }, headers);
    expect(await scene.act(runId, { action: "retry" }, headers)).toEqual(first);
    expect(await scene.runs()).toHaveLength(2);
  });

  it("is not for viewers, other tenants, or keys without runs:act", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await using other = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "queued");
    const path = `/api/runs/${idOf("prj", scene.projectId)}/${idOf("run", runId)}/action`;
    const { workspaceId, projectId } = scene;
    const keys: [string, number][] = [
      [await scene.keyOf("viewer"), 403],
      [
        (
          await seedKey(scene.db, {
            kind: "user",
            userId: await seedUser(scene.db, { login: "outsider" }),
          })
        ).key,
        404,
      ],
      [(await seedKey(scene.db, { kind: "project", workspaceId, projectId })).key, 403],
      [await other.keyOf("member"), 404],
      [(await seedKey(scene.db, { kind: "project", workspaceId, projectId, scopes: ["runs:act"] })).key, 202],
    ];
    for (const [key, status] of keys) {
      const answer = await scene.ask("POST", path, { action: "cancel" }, { authorization: `Bearer ${key}` });
      expect(answer.status).toBe(status);
    }
  });
});
