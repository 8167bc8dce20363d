import type { RunEvent, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";

/** What a move of a run does outside the database. */
export type MoveEffect =
  | { kind: "issue_labels" }
  | { kind: "close_issue"; reason: "completed" | "not_planned" }
  | { kind: "close_pull"; number: number; comment: string | null }
  | { kind: "delete_branch" | "sweep_branch"; branch: string }
  | { kind: "notice_held" | "notice_waiting" | "notice_failed"; reason: string | null };

export type Move = {
  from: Stage;
  event: RunEvent;
  stage: Stage;
  reason: string | null;
  reasonText: string | null;
  waitingFor: WaitingFor | null;
  branch: string;
  prNumber: number | null;
  /** A permit was given once: the branch may be on GitHub, whether we were told or not. */
  wasPermitted: boolean;
};

export function effectsOf(move: Move): MoveEffect[] {
  const { from, event, stage, reason, reasonText, waitingFor } = move;
  // Nobody with rights asked for anything: we touch nothing of theirs.
  if (reason === "not_admitted") return [];
  const effects: MoveEffect[] = from === stage ? [] : [{ kind: "issue_labels" }];
  if (event === "held") effects.push({ kind: "notice_held", reason: reasonText });
  if (event === "asked" || (event === "parked" && waitingFor !== "github"))
    effects.push({ kind: "notice_waiting", reason: waitingFor });
  if (event === "gave_up") effects.push({ kind: "notice_failed", reason });
  if (event === "declined" || event === "expired") effects.push({ kind: "close_issue", reason: "not_planned" });
  if (event === "deployed") effects.push({ kind: "close_issue", reason: "completed" });
  // Stopped by people: what is already on GitHub goes away again. What failed by itself stays for a look; but where
  // each worker was lost, nobody knows what the last one pushed: a run that says it failed has no open pull request.
  const isLost = event === "gave_up" && (reason === "attempts_exhausted" || reason === "validation_timeout");
  if (isWithdrawn(event) || isLost) effects.push(...withdrawals(move));
  return effects;
}

export function isWithdrawn(event: RunEvent): boolean {
  return event === "declined" || event === "cancelled" || event === "expired";
}

const publisherMayLive: readonly Stage[] = ["queued", "running", "validating"];

function withdrawals({ from, branch, prNumber, wasPermitted }: Move): MoveEffect[] {
  const pull: MoveEffect[] = prNumber === null ? [] : [{ kind: "close_pull", number: prNumber, comment: null }];
  if (!wasPermitted && prNumber === null) return pull;
  // A publisher that was at work may be asleep, and push once more when it wakes: also one that lost its lease, whose
  // run was queued again or runs elsewhere by now.
  const isLate = wasPermitted && publisherMayLive.includes(from);
  const late: MoveEffect[] = isLate ? [{ kind: "sweep_branch", branch }] : [];
  return [...pull, { kind: "delete_branch", branch }, ...late];
}
