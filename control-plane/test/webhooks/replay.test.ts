import recorded from "@octokit/webhooks-examples";
import { expect, it } from "vitest";
import { openWebhookScene } from "../support/webhook-scene.ts";
import { shareDatabase } from "../support/share-database.ts";

type Recorded = { name: string; examples: object[] };
// Its types speak of a module of CommonJS, whose default Node makes.
const examples = recorded as unknown as Recorded[];
const database = shareDatabase("server");

it("answers each of GitHub's own recorded events, whatever it is, and never with a 5xx", async () => {
  await using scene = await openWebhookScene({ on: database() });
  const seen = new Map<string, number>();
  for (const { name, examples: payloads } of examples) {
    for (const payload of payloads) {
      const { status } = await scene.deliver(payload, { event: name });
      expect([name, status < 500 && [200, 202].includes(status)]).toEqual([name, true]);
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  }
  expect(seen.size).toBe(58);
});

it("reads GitHub's recorded issues and pull requests as those of the project's own repository", async () => {
  await using scene = await openWebhookScene({ on: database() });
  const names = ["issues", "pull_request", "deployment_status", "ping"];
  let count = 0;
  for (const { name, examples: payloads } of examples.filter((one) => names.includes(one.name))) {
    for (const payload of payloads) {
      const ours = JSON.stringify(payload).replaceAll(/"repository":\{"id":\d+/g, '"repository":{"id":4711');
      const { status } = await scene.deliver(ours, { event: name });
      expect([name, status]).toEqual([name, 200]);
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(60);
});
