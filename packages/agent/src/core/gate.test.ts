import { describe, expect, it } from "vitest";
import { judgeEvent, judgeRights, originOf, type EventFacts, type RightsFacts } from "./gate.ts";

const event: EventFacts = {
  hasTriggerLabel: true,
  isOpen: true,
  isPaused: false,
  hasActiveRun: false,
  title: "A title",
  body: null,
  author: "someone",
};

describe("judgeEvent", () => {
  it("lets a labelled, open issue with title and author through, even with an empty body", () => {
    expect(judgeEvent(event)).toEqual({ go: true });
  });

  it.each([
    [{ hasTriggerLabel: false }, "no_label"], [{ isOpen: false }, "not_open"], [{ isPaused: true }, "project_paused"], [{ hasActiveRun: true }, "run_active"],
    [{ title: " " }, "no_title"], [{ body: undefined }, "no_body"], [{ author: null }, "no_author"],
  ] as const)("says no to %o", (fact, reason) => {
    expect(judgeEvent({ ...event, ...fact })).toMatchObject({ go: false, reason });
  }); // prettier-ignore
});

const rights: RightsFacts = {
  hasFeedbackBotLabelEver: false,
  isNamedByFeedback: false,
  author: { login: "ada", id: 7 },
  authorPermission: "write",
  asker: null,
  askerPermission: null,
  cameThroughProject: false,
  dayBudgetLeftMicroUsd: 1,
};

describe("originOf", () => {
  it("is a maintainer's with triage rights or more", () => {
    for (const authorPermission of ["triage", "write", "maintain", "admin"] as const)
      expect(originOf({ ...rights, authorPermission })).toBe("maintainer");
  });

  it.each([
    { hasFeedbackBotLabelEver: true },
    { isNamedByFeedback: true },
    { authorPermission: null },
    { authorPermission: "read" },
    { authorPermission: "none" },
  ] as const)("is the public's with %o: the app's token opens the widget's issues", (fact) => {
    expect(originOf({ ...rights, ...fact })).toBe("public");
  });
});

describe("judgeRights", () => {
  it("goes on for a maintainer's own issue, for one that a maintainer asked for, and for the widget's", () => {
    expect(judgeRights(rights)).toEqual({ go: true, origin: "maintainer" });
    expect(judgeRights({ ...rights, authorPermission: "none", askerPermission: "triage" })).toEqual({
      go: true,
      origin: "public",
    });
    expect(
      judgeRights({
        ...rights,
        authorPermission: null,
        hasFeedbackBotLabelEver: true,
        cameThroughProject: true,
      }),
    ).toEqual({ go: true, origin: "public" });
  });

  it("names in its refusal whose rights were found too low", () => {
    const strangers = { authorPermission: "none", asker: { login: "eve", id: 9 }, askerPermission: "read" } as const;
    expect(judgeRights({ ...rights, ...strangers })).toMatchObject({
      go: false,
      detail: expect.stringContaining(
        "eve (id 9) asked, with the right read; ada (id 7) wrote the issue, with the right none",
      ),
    });
  });

  it("refuses what only strangers asked for, and what the day cannot pay", () => {
    expect(judgeRights({ ...rights, authorPermission: "read", askerPermission: "read" })).toMatchObject({
      go: false,
      reason: "no_rights",
    });
    expect(judgeRights({ ...rights, dayBudgetLeftMicroUsd: 0 })).toMatchObject({
      go: false,
      reason: "budget_exhausted",
    });
  });
});
