import { nothingUsed, runSettings } from "@feedback-chat/protocol/job";
import { describe, expect, it } from "vitest";
import { addUse, agentMsOf, leftOf, usedUp } from "./budget.ts";

const settings = runSettings.parse({});

describe("what is left of a run's budget", () => {
  it("is the ceilings less what all attempts used, never below nothing", () => {
    expect(leftOf(settings, nothingUsed)).toEqual({ microUsd: 2_000_000, seconds: 1_200, turns: 100 });
    const once = { costMicroUsd: 500_000, inputTokens: 1, outputTokens: 2, agentMs: 600_000, turns: 60 };
    expect(leftOf(settings, once)).toEqual({ microUsd: 1_500_000, seconds: 600, turns: 40 });
    const thrice = addUse(once, addUse(once, once));
    expect(leftOf(settings, thrice)).toEqual({ microUsd: 500_000, seconds: 1, turns: 0 });
  });

  it("names the ceiling that leaves no room", () => {
    expect(usedUp(settings, nothingUsed)).toBeNull();
    expect(usedUp(settings, { ...nothingUsed, costMicroUsd: 2_000_000 })).toContain("2.00 USD");
    expect(usedUp(settings, { ...nothingUsed, agentMs: 1_200_000 })).toContain("20 minutes");
    expect(usedUp(settings, { ...nothingUsed, turns: 100 })).toContain("100 turns");
  });
});

describe("the agent's minutes by a run's events", () => {
  const at = (minute: number, event: string, phase: string | null = null) => ({
    at: new Date(minute * 60_000).toISOString(),
    event,
    phase,
  });
  it("add up over its rounds, until whatever ended each", () => {
    const events = [
      at(0, "leased"), at(1, "phase_started", "agent"), at(2, "issue_edited"), at(4, "phase_started", "collect"),
      at(5, "collected"), at(6, "fix_round"), at(7, "phase_started", "agent"), at(9, "asked"), at(50, "phase_started", "agent"),
    ]; // prettier-ignore
    expect(agentMsOf(events, null)).toBe(5 * 60_000);
  });

  it("end with the last request that was paid where the machine stopped", () => {
    const events = [at(1, "phase_started", "agent"), at(500, "lease_lost")];
    expect(agentMsOf(events, at(3, "").at)).toBe(2 * 60_000);
    expect(agentMsOf(events, at(0, "").at)).toBe(0);
    expect(agentMsOf(events, null)).toBe(0);
  });
});
