import { expect, it } from "vitest";
import { deliveryMeaning } from "./delivery-meaning.ts";

const issue = { number: 7, updated_at: "2026-11-21T08:00:00Z" };

it("is the same for both ways of one event, and another for another label or time", () => {
  const one = deliveryMeaning("issues", { action: "labeled", issue, label: { name: "a" } });
  const byApp = { action: "labeled", issue, label: { name: "a" }, installation: { id: 1 } };
  expect(deliveryMeaning("issues", byApp)).toBe(one);
  expect(deliveryMeaning("issues", { ...byApp, label: { name: "b" } })).not.toBe(one);
  expect(deliveryMeaning("issues", { ...byApp, action: "unlabeled" })).not.toBe(one);
  const later = { ...issue, updated_at: "2026-11-21T08:00:01Z" };
  expect(deliveryMeaning("issues", { ...byApp, issue: later })).not.toBe(one);
});

it("is unknown where nothing tells the event apart", () => {
  for (const payload of [null, 1, {}, { issue: 3 }, { issue: { number: 3 } }])
    expect(deliveryMeaning("issues", payload)).toBeNull();
  expect(deliveryMeaning("push", { ref: "main" })).toBeNull();
});
