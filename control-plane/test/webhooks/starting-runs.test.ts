import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { kinds } from "../support/open-test-database.ts";
import { issueEvent, openWebhookScene, type WebhookAnswerSeen } from "../support/webhook-scene.ts";
import { shareDatabase } from "../support/share-database.ts";

const count = (answers: WebhookAnswerSeen[], status: string) =>
  answers.filter(({ body }) => body["status"] === status).length;

describe.each(kinds)("what starts a run, on %s", (kind) => {
  const database = shareDatabase(kind);

  it("case 2: makes one job of one delivery that comes 20 times at once", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const guid = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => scene.deliver(issueEvent(), { guid })));
    expect([count(answers, "queued"), count(answers, "duplicate")]).toEqual([1, 19]);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(await scene.runs()).toHaveLength(1);
  });

  it("case 2: makes one job of one body that comes under other names, at once and later", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const answers = await Promise.all(Array.from({ length: 10 }, () => scene.deliver(issueEvent())));
    expect(count(answers, "queued")).toBe(1);
    await scene.deliver(issueEvent({ action: "closed", at: 1 }));
    expect(await scene.deliver(issueEvent())).toMatchObject({
      status: 200,
      body: { status: "duplicate" },
    });
    expect(await scene.runs()).toHaveLength(1);
  });

  it("case 5: waits for the trigger label, and for no other", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const opened = await scene.deliver(issueEvent({ labels: ["feedback-bot"] }));
    expect(opened).toMatchObject({ status: 200, body: { status: "ignored", reason: "no_label" } });
    const other = issueEvent({
      action: "labeled",
      label: "bug",
      labels: ["bug", "auto-implement"],
      at: 1,
    });
    expect(await scene.deliver(other)).toMatchObject({ status: 200, body: { status: "ignored" } });
    const labeled = issueEvent({
      action: "labeled",
      label: "Auto-Implement",
      labels: ["Auto-Implement"],
      at: 2,
    });
    const answer = await scene.deliver(labeled);
    expect(answer).toMatchObject({ status: 202, body: { status: "queued" } });
    expect(answer.body).toEqual({
      status: "queued",
      jobId: expect.stringMatching(/^job_/) as string,
      runId: expect.stringMatching(/^run_/) as string,
    });
    expect(await scene.runs()).toMatchObject([{ stage: "queued", waiting_for: "github", events: ["admitted"] }]);
  });

  it.each(["opened first", "opened last", "all at once"])(
    "case 6: makes one run of an issue that is born with three labels, %s",
    async (order) => {
      await using scene = await openWebhookScene({ on: database() });
      const labels = ["feedback-bot", "auto-implement", "bug"];
      const events = [
        issueEvent({ labels }),
        ...labels.map((label) => issueEvent({ action: "labeled", label, labels })),
      ];
      const sorted = order === "opened last" ? events.toReversed() : events;
      if (order === "all at once") await Promise.all(sorted.map((event) => scene.deliver(event)));
      else for (const event of sorted) await scene.deliver(event);
      expect(await scene.runs()).toHaveLength(1);
    },
  );
});

describe("the order of events", () => {
  const database = shareDatabase("server");

  it("starts none for an event that is not newer than the one that started the last run", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ at: 5 }));
    const [run] = await scene.runs();
    await scene.act(run?.id, { action: "cancel" });
    const late = issueEvent({ action: "labeled", label: "auto-implement", at: 4 });
    expect(await scene.deliver(late)).toMatchObject({ body: { status: "ignored" } });
    const newer = issueEvent({ action: "labeled", label: "auto-implement", at: 6 });
    expect(await scene.deliver(newer)).toMatchObject({ status: 202 });
  });

  it("starts none for an event that comes after the issue's closing and is older", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await scene.deliver(issueEvent({ action: "closed", at: 3 }));
    expect(await scene.deliver(issueEvent({ at: 1 }))).toMatchObject({
      body: { status: "ignored" },
    });
    expect(await scene.runs()).toEqual([]);
  });

  it("starts none while the project is paused, the title is empty, or the issue belongs to another repository", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const answers = [
      await scene.deliver(issueEvent({ number: 1, title: "  " })),
      await scene.deliver(issueEvent({ number: 2, repository: { id: 99 } })),
      await scene.deliver(issueEvent({ number: 3, state: "closed" })),
    ];
    expect(count(answers, "ignored")).toBe(3);
    expect(await scene.runs()).toEqual([]);
  });
});
