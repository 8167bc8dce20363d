/** What an `issues` event may mean to us. Everything that GitHub may add one day is ignored. */
export type IssueMeaning =
  | { kind: "may_start" }
  | { kind: "edited" }
  | { kind: "ended"; reason: "issue_closed" | "issue_deleted" | "issue_transferred" }
  | { kind: "none"; reason: string };

type IssueEvent = {
  action: string;
  /** The label that was put there or taken off, if the event is about one. */
  label: string | null;
  labels: readonly string[];
  isPull: boolean;
  hasTextChanged: boolean;
};

/** GitHub keeps a label's case and compares without it. */
export function isSameLabel(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function hasLabel(labels: readonly string[], wanted: string): boolean {
  return labels.some((label) => isSameLabel(label, wanted));
}

export function meaningOf(event: IssueEvent, triggerLabel: string): IssueMeaning {
  if (event.isPull) return { kind: "none", reason: "a pull request is no issue" };
  switch (event.action) {
    case "opened":
    case "reopened":
      return hasLabel(event.labels, triggerLabel) ? { kind: "may_start" } : { kind: "none", reason: "no_label" };
    case "labeled":
      return event.label !== null && isSameLabel(event.label, triggerLabel)
        ? { kind: "may_start" }
        : { kind: "none", reason: "another label" };
    case "edited":
      return event.hasTextChanged ? { kind: "edited" } : { kind: "none", reason: "neither title nor body changed" };
    case "closed":
      return { kind: "ended", reason: "issue_closed" };
    case "deleted":
      return { kind: "ended", reason: "issue_deleted" };
    case "transferred":
      return { kind: "ended", reason: "issue_transferred" };
    default:
      return { kind: "none", reason: `the action ${event.action.slice(0, 40)} starts nothing` };
  }
}
