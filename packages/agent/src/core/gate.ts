import type { Origin } from "@feedback-chat/protocol/job";

export type GateNo =
  | "no_label"
  | "not_open"
  | "project_paused"
  | "run_active"
  | "no_title"
  | "no_body"
  | "no_author"
  | "no_rights"
  | "budget_exhausted";
export type GateAnswer = { go: true } | { go: false; reason: GateNo; detail: string };

export type EventFacts = {
  hasTriggerLabel: boolean;
  isOpen: boolean;
  isPaused: boolean;
  hasActiveRun: boolean;
  title: string | null | undefined;
  /** GitHub sends null for an empty body; a payload without the member is none of GitHub's. */
  body: string | null | undefined;
  author: string | null | undefined;
};

/** The gate's first step, from the payload alone: it runs inside the webhook's transaction. */
export function judgeEvent(facts: EventFacts): GateAnswer {
  if (!facts.hasTriggerLabel) return no("no_label", "The issue does not carry the trigger label.");
  if (!facts.isOpen) return no("not_open", "The issue is closed.");
  if (facts.isPaused) return no("project_paused", "The project is paused.");
  if (facts.hasActiveRun) return no("run_active", "A run of this issue is still open.");
  if (!facts.title?.trim()) return no("no_title", "The issue has no title.");
  if (facts.body === undefined) return no("no_body", "The payload carries no body.");
  if (!facts.author?.trim()) return no("no_author", "The issue has no author.");
  return { go: true };
}

/** What GitHub calls a collaborator's permission; `triage` and above may ask for a run. */
export type Permission = "none" | "read" | "triage" | "write" | "maintain" | "admin";

export type OriginFacts = {
  /** Ever, not now: taking the label off does not make a stranger's words a maintainer's. */
  hasFeedbackBotLabelEver: boolean;
  isNamedByFeedback: boolean;
  /** Null = not known, which counts as a stranger. */
  authorPermission: Permission | null;
};

/** Whose words these are. The app's token opens the widget's issues, so the author alone proves nothing. */
export function originOf(facts: OriginFacts): Origin {
  if (facts.hasFeedbackBotLabelEver || facts.isNamedByFeedback) return "public";
  return mayAsk(facts.authorPermission) ? "maintainer" : "public";
}

/** Whose rights were asked, for the reason of a refusal. */
export type NamedPerson = { login: string; id: number | null };

export type RightsFacts = OriginFacts & {
  /** Null = nobody is known. */
  asker: NamedPerson | null;
  author: NamedPerson | null;
  /** Of the person who asked for the run (put the label there, ran the command); null = not known. */
  askerPermission: Permission | null;
  /** The widget of a registered project opened the issue. */
  cameThroughProject: boolean;
  dayBudgetLeftMicroUsd: number;
};

/** The gate's second step: who, not what. The issue came through the project, or a person with rights asked. */
export function judgeRights(facts: RightsFacts): GateAnswer & { origin: Origin } {
  const origin = originOf(facts);
  const isAsked = mayAsk(facts.askerPermission) || mayAsk(facts.authorPermission);
  if (!facts.cameThroughProject && !isAsked) {
    return { ...no("no_rights", `Nobody with triage rights or more asked for this: ${foundOf(facts)}.`), origin };
  }
  if (facts.dayBudgetLeftMicroUsd <= 0) {
    return {
      ...no("budget_exhausted", "The project's budget of the last 24 hours is used up."),
      origin,
    };
  }
  return { go: true, origin };
}

function foundOf({ asker, askerPermission, author, authorPermission }: RightsFacts): string {
  const named = (person: NamedPerson) => (person.id === null ? person.login : `${person.login} (id ${person.id})`);
  const right = (permission: Permission | null) => permission ?? "none that GitHub tells";
  const asked = asker
    ? `${named(asker)} asked, with the right ${right(askerPermission)}`
    : "nobody is known to have asked";
  return author ? `${asked}; ${named(author)} wrote the issue, with the right ${right(authorPermission)}` : asked;
}

function mayAsk(permission: Permission | null): boolean {
  return permission !== null && permission !== "none" && permission !== "read";
}

function no(reason: GateNo, detail: string) {
  return { go: false as const, reason, detail };
}
