import type { Stage } from "@feedback-chat/protocol/run-machine";

export const triggerLabel = "auto-implement";
export const botLabel = "feedback-bot";

/** Every label that is ours to set, with the colour and sentence that the repository shows. */
export const labels = {
  [botLabel]: { color: "5319e7", description: "Filed from the app's feedback widget" },
  [triggerLabel]: { color: "0e8a16", description: "feedback-chat: implement this issue" },
  "in-progress": { color: "fbca04", description: "feedback-chat: at work" },
  "preview-pending": {
    color: "1d76db",
    description: "feedback-chat: a pull request waits for review",
  },
  "agent-failed": { color: "d93f0b", description: "feedback-chat: the run failed" },
  rejected: { color: "cccccc", description: "feedback-chat: a person said no" },
} as const;
export type Label = keyof typeof labels;

export type LabelPlan = {
  add: Label[];
  remove: Label[];
  close: "completed" | "not_planned" | null;
};

/** What a stage looks like on the issue: our projection, never read back beyond the gate. */
const plans: Record<Stage, LabelPlan> = {
  created: { add: [], remove: [], close: null },
  queued: {
    add: [triggerLabel],
    remove: ["preview-pending", "agent-failed", "rejected", "in-progress"],
    close: null,
  },
  running: {
    add: ["in-progress"],
    remove: ["preview-pending", "agent-failed", "rejected"],
    close: null,
  },
  validating: {
    add: ["in-progress"],
    remove: ["preview-pending", "agent-failed", "rejected"],
    close: null,
  },
  preview_ready: {
    add: ["preview-pending"],
    remove: ["in-progress", triggerLabel, "agent-failed"],
    close: null,
  },
  deployed: {
    add: [],
    remove: ["in-progress", triggerLabel, "preview-pending", "agent-failed"],
    close: "completed",
  },
  failed: {
    add: ["agent-failed"],
    remove: ["in-progress", triggerLabel, "preview-pending"],
    close: null,
  },
  rejected: {
    add: ["rejected"],
    remove: ["in-progress", triggerLabel, "preview-pending", "agent-failed"],
    close: "not_planned",
  },
};

/** The project may have renamed the trigger; all other names are ours. */
export function labelsFor(
  stage: Stage,
  trigger: string = triggerLabel,
): { add: string[]; remove: string[]; close: LabelPlan["close"] } {
  const named = (label: Label) => (label === triggerLabel ? trigger : label);
  const plan = plans[stage];
  return { add: plan.add.map(named), remove: plan.remove.map(named), close: plan.close };
}
