import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";

const words: Record<Stage, string> = {
  created: "Created", queued: "Queued", running: "Running", validating: "Validating",
  preview_ready: "Preview ready", deployed: "Deployed", failed: "Failed", rejected: "Rejected",
}; // prettier-ignore

const waits: Record<WaitingFor, string> = {
  worker: "waits for a worker", approval: "waits for your approval", reporter: "waits for an answer",
  budget: "waits for budget", github: "waits for GitHub", credential: "waits for a key",
}; // prettier-ignore

export function stageWord(stage: Stage): string {
  return words[stage];
}

/** The stage in a word; the colour only repeats it. */
export function StageBadge({ stage, waitingFor }: { stage: Stage; waitingFor: WaitingFor | null }) {
  const needsYou = waitingFor === "approval" || waitingFor === "reporter";
  return (
    <span className={`badge ${stage}${needsYou ? " needs-you" : ""}`}>
      {words[stage]}
      {waitingFor && <span> · {waits[waitingFor]}</span>}
    </span>
  );
}
