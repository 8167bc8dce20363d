import { createHash } from "node:crypto";
import { rawSnapshot } from "@feedback-chat/protocol/job";
import { sanitise, type CleanSnapshot as CleanIssue } from "../core/sanitise.ts";
import { runFailure } from "../ports/run-failure.ts";

export type CleanSnapshot = {
  /** What the agent may read, as `/task/issue.json`: never argv, never the prompt. */
  task: CleanIssue;
  title: string;
  hiddenRemoved: number;
  wasCut: boolean;
  /** sha256 of the frozen words, so that an edit afterwards can be told. */
  sha256: string;
};

/**
 * Checks what the gate froze and keeps what people can see of it.
 * @throws Problem run_failed `bad_snapshot`.
 */
export function takeSnapshot(frozen: unknown): CleanSnapshot {
  const parsed = rawSnapshot.safeParse(frozen);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw runFailure(
      "bad_snapshot",
      `The frozen issue cannot be read: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    );
  }
  const { snapshot: task, hiddenRemoved, wasCut } = sanitise(parsed.data);
  if (task.title === "" && task.body === "")
    throw runFailure("bad_snapshot", "Nothing is left of the issue that a person could see.", {
      next: "Write the wish as plain text, then retry.",
    });
  const sha256 = createHash("sha256").update(JSON.stringify(parsed.data)).digest("hex");
  return { task, title: task.title, hiddenRemoved, wasCut, sha256 };
}
