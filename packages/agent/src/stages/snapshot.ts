import { createHash } from "node:crypto";
import { rawSnapshot } from "@feedback-chat/protocol/job";
import { sanitise, type CleanSnapshot as CleanIssue, type Said, sanitiseSaid } from "../core/sanitise.ts";
import { tooLittleSeen } from "../core/too-little-seen.ts";
import { runFailure } from "../ports/run-failure.ts";

export type CleanSnapshot = {
  /** What the agent may read, as `/task/issue.json`: never argv, never the prompt. */
  task: CleanIssue;
  /** What people said after the gate, as the agent may read it. */
  said: Said;
  title: string;
  hiddenRemoved: number;
  wasCut: boolean;
  /** sha256 of the frozen words, so that an edit afterwards can be told. */
  sha256: string;
};

const nothingSaid: Said = { question: null, changeRequest: null };

/**
 * Checks what the gate froze and keeps what people can see of it, and of what they said since.
 * @throws Problem run_failed `bad_snapshot`, also when almost nothing of the issue can be seen.
 */
export function takeSnapshot(frozen: unknown, { question, changeRequest }: Said = nothingSaid): CleanSnapshot {
  const parsed = rawSnapshot.safeParse(frozen);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw runFailure(
      "bad_snapshot",
      `The frozen issue cannot be read: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    );
  }
  const { snapshot: task, hiddenRemoved, wasCut } = sanitise(parsed.data);
  const reason = tooLittleSeen(parsed.data, task);
  if (reason !== null)
    throw runFailure("bad_snapshot", reason, {
      next: "Edit the issue so that its wish is visible as plain text, then retry.",
    });
  const later = sanitiseSaid({ question, changeRequest });
  const sha256 = createHash("sha256").update(JSON.stringify(parsed.data)).digest("hex");
  return {
    task,
    said: later.said,
    title: task.title,
    hiddenRemoved: hiddenRemoved + later.hiddenRemoved,
    wasCut: wasCut || later.wasCut,
    sha256,
  };
}
