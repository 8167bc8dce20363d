import { expect, it } from "vitest";
import { isFinal, stages } from "@feedback-chat/protocol/run-machine";
import { labelsFor } from "./labels.ts";

it("adds no label that it removes, at any stage", () => {
  for (const stage of stages) {
    const { add, remove } = labelsFor(stage);
    expect(add.filter((label) => remove.includes(label))).toEqual([]);
  }
});

it("takes the trigger off where no machine works any more, under the project's own name for it", () => {
  for (const stage of stages.filter((name) => isFinal(name) || name === "preview_ready"))
    expect(labelsFor(stage, "do-it").remove).toContain("do-it");
  expect(labelsFor("queued", "do-it").add).toEqual(["do-it"]);
});

it("closes the issue when it is deployed or rejected", () => {
  expect(stages.map((stage) => labelsFor(stage).close).filter(Boolean)).toEqual(["completed", "not_planned"]);
});
