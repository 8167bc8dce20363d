import type { Origin, PublishPolicy } from "@feedback-chat/protocol/job";

export type PublishFacts = {
  publish: PublishPolicy;
  origin: Origin;
  hasHoldVerdict: boolean;
  hasFlag: boolean;
  checks: "green" | "red" | "none";
  isUnfinished: boolean;
};

/** What makes each setting wait for a person, in the order in which a person would name it. */
const holdRules: Record<PublishPolicy, ((facts: PublishFacts) => string | null)[]> = {
  hold: [unfinished, holdVerdict, redChecks, strangersWords],
  hold_flagged: [unfinished, holdVerdict, redChecks, flagged],
  auto: [unfinished, holdVerdict, redChecks],
};

/** Publish now, or wait for a person: a pushed branch runs in the repository's CI with its secrets. */
export function decidePublish(facts: PublishFacts): "publish" | { hold: string } {
  for (const rule of holdRules[facts.publish]) {
    const reason = rule(facts);
    if (reason !== null) return { hold: reason };
  }
  return "publish";
}

function unfinished(facts: PublishFacts): string | null {
  return facts.isUnfinished ? "The agent was stopped before it finished." : null;
}
function holdVerdict(facts: PublishFacts): string | null {
  return facts.hasHoldVerdict ? "The change touches a protected path." : null;
}
function redChecks(facts: PublishFacts): string | null {
  return facts.checks === "red" ? "The project's checks are red." : null;
}
function flagged(facts: PublishFacts): string | null {
  return facts.hasFlag ? "Something in the change was flagged." : null;
}
function strangersWords(facts: PublishFacts): string | null {
  return facts.origin === "public" ? "The words came from the public." : null;
}
