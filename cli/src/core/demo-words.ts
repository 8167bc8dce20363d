import type { RunEventEntry } from "@feedback-chat/protocol/run";

/** What the demo says of an event of the run; undefined = nothing. */
export function wordsOfEvent({ event, phase, reason, detail, actor }: RunEventEntry): string | undefined {
  switch (event) {
    case "admitted":
      return "the signature is right, the run is queued, the job is durable";
    case "leased":
      return "a worker holds the lease";
    case "phase_started":
      return phase ? wordsOfPhase[phase] : undefined;
    case "approved":
      return `approved by ${actor.login ?? actor.kind}`;
    case "published":
      return "branch pushed by git, pull request open";
    case "collected":
      return "the changed files were read with our own eyes, no git command saw the agent's tree";
    case "fix_round":
      return "the checks are red: one more round on the same budget";
    case "gave_up":
    case "declined":
    case "cancelled":
      return `${event}: ${reason ?? ""} ${detail ?? ""}`;
    default:
      return undefined;
  }
}

const wordsOfPhase: Partial<Record<NonNullable<RunEventEntry["phase"]>, string>> = {
  snapshot: "the visitor's words are frozen, sanitised, shown to the agent as data",
  clone: "git over HTTP into a folder that no sandbox sees",
  deps: "dependencies by the base's lockfile",
  agent: "Claude Code works in the sandbox: no key, no network, one socket to the model proxy",
  validate: "the app's own tests, on the base and on the change, in a fresh sandbox",
  publish: "with the permit: the publisher pushes and opens the pull request",
};
