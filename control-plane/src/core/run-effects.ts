import type { RunEvent, Stage } from "@feedback-chat/protocol/run-machine";

/** What a move of a run does outside the database. */
export type MoveEffect =
  | { kind: "issue_labels" }
  | { kind: "close_issue"; reason: "completed" | "not_planned" }
  | { kind: "close_pull"; number: number; comment: string | null }
  | { kind: "delete_branch"; branch: string }
  | { kind: "notice_held" | "notice_waiting" | "notice_failed"; reason: string | null };

export type Move = {
  from: Stage;
  event: RunEvent;
  stage: Stage;
  reason: string | null;
  branch: string;
  prNumber: number | null;
  /** A permit was given once: the branch may be on GitHub, whether we were told or not. */
  wasPermitted: boolean;
};

export function effectsOf(move: Move): MoveEffect[] {
  const { from, event, stage, reason } = move;
  const effects: MoveEffect[] = from === stage ? [] : [{ kind: "issue_labels" }];
  if (event === "held") effects.push({ kind: "notice_held", reason });
  if (event === "asked") effects.push({ kind: "notice_waiting", reason });
  if (event === "parked" && reason !== "github") effects.push({ kind: "notice_waiting", reason });
  if (event === "gave_up") effects.push({ kind: "notice_failed", reason });
  if (event === "declined" || event === "expired")
    effects.push({ kind: "close_issue", reason: "not_planned" });
  // A person stopped it: what is already on GitHub goes away again. What failed by itself stays for a look.
  if (event === "declined" || event === "cancelled") effects.push(...withdrawals(move));
  return effects;
}

function withdrawals({ branch, prNumber, wasPermitted }: Move): MoveEffect[] {
  const pull: MoveEffect[] =
    prNumber === null ? [] : [{ kind: "close_pull", number: prNumber, comment: null }];
  return wasPermitted || prNumber !== null ? [...pull, { kind: "delete_branch", branch }] : pull;
}
