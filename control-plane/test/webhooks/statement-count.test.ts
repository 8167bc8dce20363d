import { afterAll, beforeAll, expect, it } from "vitest";
import { watchStatements } from "../support/watch-statements.ts";
import { issueEvent, openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

let scene: WebhookScene;
let watched: ReturnType<typeof watchStatements>;
beforeAll(async () => {
  watched = watchStatements();
  scene = await openWebhookScene();
  // The first delivery takes over what the repository is called: that is not the common one.
  await scene.deliver(issueEvent({ number: 1 }));
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  watched[Symbol.dispose]();
});

it("makes a durable job of a delivery with three statements, besides those that begin and end its transaction", async () => {
  watched.take();
  const answer = await scene.deliver(issueEvent({ number: 2 }));
  const sent = watched.take();
  expect(answer).toMatchObject({ status: 202, body: { status: "queued" } });
  const isFraming = (text: string) => /^(begin|commit)\b/i.test(text);
  expect(sent.filter(isFraming)).toHaveLength(2);
  expect(sent.filter((text) => !isFraming(text))).toHaveLength(3);
});
