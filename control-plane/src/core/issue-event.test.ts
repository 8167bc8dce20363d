import { describe, expect, it } from "vitest";
import { meaningOf } from "./issue-event.ts";

const event = {
  action: "opened",
  label: null,
  labels: ["auto-implement"],
  isPull: false,
  hasTextChanged: false,
};
const kindOf = (fields: Partial<Parameters<typeof meaningOf>[0]>) =>
  meaningOf({ ...event, ...fields }, "auto-implement").kind;

describe("the meaning of an issue's event", () => {
  it("may start a run when the issue carries the trigger label, in any case of letters", () => {
    expect(kindOf({})).toBe("may_start");
    expect(kindOf({ action: "reopened", labels: ["AUTO-implement"] })).toBe("may_start");
    expect(kindOf({ action: "labeled", label: "Auto-Implement" })).toBe("may_start");
  });

  it("starts none for other labels, other actions, and pull requests", () => {
    expect(kindOf({ labels: ["bug"] })).toBe("none");
    expect(kindOf({ action: "labeled", label: "bug" })).toBe("none");
    expect(kindOf({ action: "labeled", label: null })).toBe("none");
    expect(kindOf({ action: "unlabeled", label: "auto-implement" })).toBe("none");
    expect(kindOf({ action: "toString" })).toBe("none");
    expect(kindOf({ isPull: true })).toBe("none");
  });

  it("tells an edit of the words from any other", () => {
    expect(kindOf({ action: "edited", hasTextChanged: true })).toBe("edited");
    expect(kindOf({ action: "edited" })).toBe("none");
  });
});
