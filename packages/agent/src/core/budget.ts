import type { RunSettings, RunUse } from "@feedback-chat/protocol/job";

type Ceilings = Pick<RunSettings, "budgetMicroUsd" | "budgetMinutes" | "maxTurns">;

/** What a run may still use. The engine's clock gets at least a second. */
export function leftOf(ceilings: Ceilings, used: RunUse): { microUsd: number; seconds: number; turns: number } {
  return {
    microUsd: Math.max(0, ceilings.budgetMicroUsd - used.costMicroUsd),
    seconds: Math.max(1, ceilings.budgetMinutes * 60 - used.agentMs / 1000),
    turns: Math.max(0, ceilings.maxTurns - used.turns),
  };
}

/** The first ceiling that leaves no room for an agent, in words; null when there is room. */
export function usedUp(ceilings: Ceilings, used: RunUse): string | null {
  const { microUsd, seconds, turns } = leftOf(ceilings, used);
  const usd = (ceilings.budgetMicroUsd / 1_000_000).toFixed(2);
  if (microUsd <= 0) return `The run's budget of ${usd} USD is used up.`;
  if (seconds <= 1) return `The run's ${ceilings.budgetMinutes} minutes are used up.`;
  return turns <= 0 ? `The run's ${ceilings.maxTurns} turns are used up.` : null;
}

export function addUse(one: RunUse, other: RunUse): RunUse {
  return {
    costMicroUsd: one.costMicroUsd + other.costMicroUsd,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    agentMs: one.agentMs + other.agentMs,
    turns: one.turns + other.turns,
  };
}

type Told = { at: string; event: string; phase: string | null };

/**
 * How long the agent worked, told by a run's events. What a stopped machine cut off counts until the last request that
 * was paid: when it went on again says nothing.
 */
export function agentMsOf(events: Told[], lastPaidAt: string | null): number {
  return events.reduce((sum, { at, event, phase }, index) => {
    if (event !== "phase_started" || phase !== "agent") return sum;
    const end = events.slice(index + 1).find((one) => one.event !== "issue_edited" && one.event !== "cancel_requested");
    const endAt = end?.event === "lease_lost" ? (lastPaidAt ?? at) : (end?.at ?? at);
    return sum + Math.max(0, Math.min(Date.parse(endAt), Date.parse(end?.at ?? at)) - Date.parse(at));
  }, 0);
}
