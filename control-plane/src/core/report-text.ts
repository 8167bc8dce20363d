import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";

type Standing = { stage: Stage | null; waitingFor: WaitingFor | null };

/** A report's stage in words for whoever reported it. */
export function reportSays({ stage, waitingFor }: Standing, isSentBack = false): string {
  if (stage === null) return "Your report was received.";
  if (isSentBack) return "You said that it is not right yet. People were told.";
  if (stage === "queued" && waitingFor === "reporter") return "There is a question for you.";
  return sentences[stage];
}

const sentences: Record<Stage, string> = {
  created: "Your report was received.",
  queued: "Your report waits for its turn.",
  running: "A change is being made.",
  validating: "A change is being checked.",
  preview_ready: "A change is ready to be looked at.",
  deployed: "The change is live.",
  failed: "This try did not work out. People were told.",
  rejected: "People decided not to change this.",
};

/** What a reporter may do now. A change can be judged once it can be seen. */
export function reportAllows({ stage }: Standing): { canConfirm: boolean; canReopen: boolean } {
  const isSeen = stage === "preview_ready" || stage === "deployed";
  return { canConfirm: isSeen, canReopen: isSeen };
}
