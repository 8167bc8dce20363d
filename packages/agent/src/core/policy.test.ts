import { describe, expect, it } from "vitest";
import { publishPolicies } from "@feedback-chat/protocol/job";
import { decidePublish, type PublishFacts } from "./policy.ts";

const clean: PublishFacts = {
  publish: "hold",
  origin: "maintainer",
  hasHoldVerdict: false,
  hasFlag: false,
  checks: "green",
  isUnfinished: false,
};
const held = { hold: expect.any(String) };

describe("decidePublish", () => {
  it.each(publishPolicies)("publishes a maintainer's clean run under %s, with and without checks", (publish) => {
    expect(decidePublish({ ...clean, publish })).toBe("publish");
    expect(decidePublish({ ...clean, publish, checks: "none" })).toBe("publish");
  });

  it.each(publishPolicies)("holds a hold verdict, red checks and an unfinished run under %s", (publish) => {
    for (const fact of [{ hasHoldVerdict: true }, { checks: "red" }, { isUnfinished: true }] as const)
      expect(decidePublish({ ...clean, publish, ...fact })).toEqual(held);
  });

  it("holds every public run by default, and only by default", () => {
    expect(decidePublish({ ...clean, origin: "public" })).toEqual(held);
    expect(decidePublish({ ...clean, publish: "hold_flagged", origin: "public" })).toBe("publish");
    expect(decidePublish({ ...clean, publish: "auto", origin: "public" })).toBe("publish");
  });

  it("holds a flag only where flags are asked for, whatever the origin", () => {
    expect(decidePublish({ ...clean, hasFlag: true })).toBe("publish");
    expect(decidePublish({ ...clean, publish: "auto", hasFlag: true })).toBe("publish");
    expect(decidePublish({ ...clean, publish: "hold_flagged", hasFlag: true })).toEqual(held);
  });
});
