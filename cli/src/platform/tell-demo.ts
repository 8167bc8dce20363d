import type { Evidence } from "@feedback-chat/protocol/evidence";
import { spellOut } from "@feedback-chat/protocol/spell-out";
import type { LogLine, RunDetail, RunEventEntry } from "@feedback-chat/protocol/run";
import { duration } from "../core/duration.ts";
import { dollars } from "../core/money.ts";
import { renderEvidence } from "../core/render-evidence.ts";
import { cleanText } from "./clean-text.ts";
import type { Terminal } from "./terminal.ts";

export type DemoResult = {
  ok: boolean;
  stage: string;
  reason?: string | null;
  pullRequestUrl: string | null;
  branch: string;
  runId: string;
  costMicroUsd: number;
  totalMs: number;
  withoutModelMs: number;
  gitDir: string;
};
export type Tale = ReturnType<typeof makeTale>;

/** Tells the demo: lines for people on stderr and the result on stdout, or with `--json` NDJSON events only. */
export function makeTale(terminal: Terminal) {
  const start = performance.now();
  let last = start;
  let waitedMs = 0;
  const clock = () => {
    const now = performance.now();
    const times = { atMs: Math.round(now - start), stepMs: Math.round(now - last) };
    last = now;
    return times;
  };
  const line = (text: string) => {
    if (!terminal.isJson) terminal.say(text);
  };
  const step = (name: string, text: string) => {
    const { atMs, stepMs } = clock();
    if (terminal.isJson) terminal.event({ type: "demo.step", step: name, text: cleanText(text), atMs, stepMs });
    else
      terminal.say(
        `${terminal.dim(`${(atMs / 1000).toFixed(1).padStart(5)} s`)}  ${terminal.bold(name.padEnd(10))} ${cleanText(text)} ${terminal.dim(`+${duration(stepMs)}`)}`,
      );
  };
  return {
    step,
    title: (text: string) => line(`\n${terminal.bold(text)}\n`),
    note: (text: string) => line(terminal.dim(`          ${text}`)),
    event(entry: RunEventEntry): void {
      const text = textOf(entry);
      if (text) step(entry.event === "phase_started" ? (entry.phase ?? "phase") : entry.stage, text);
      else if (terminal.isJson) terminal.event({ type: "demo.event", event: entry.event, stage: entry.stage });
    },
    line({ level, message }: LogLine): void {
      if (terminal.isJson) terminal.event({ type: "demo.log", level, message });
      else if (level !== "debug") terminal.say(terminal.dim(`          │ ${cleanText(message)}`));
    },
    patch(title: string, diff: string): void {
      if (terminal.isJson) terminal.event({ type: "demo.diff", title, diff });
      else terminal.say(`\n${terminal.bold(title)}\n${colourDiff(terminal, diff)}`);
    },
    held(run: RunDetail, evidence: Evidence, diff: string): void {
      step("held", `waits for a person: ${run.reasonText ?? run.reason ?? "the policy holds it"}`);
      if (terminal.isJson) terminal.event({ type: "demo.held", evidence, diff });
      else terminal.say(`\n${colourDiff(terminal, diff)}\n${renderEvidence(evidence).map(cleanText).join("\n")}\n`);
    },
    /** Time that a person took is not the product's. */
    async waiting<T>(work: () => Promise<T>): Promise<T> {
      const from = performance.now();
      const answer = await work();
      waitedMs += performance.now() - from;
      return answer;
    },
    waitedMs: () => waitedMs,
    result(result: DemoResult): void {
      if (terminal.isJson) return terminal.event({ type: "demo.result", ...result });
      if (!result.ok)
        return terminal.say(`\n${terminal.red("It ended in")} ${result.stage}: ${cleanText(result.reason ?? "")}`);
      terminal.say(
        `\n${terminal.green("pull request")} ${result.branch}, ${dollars(result.costMicroUsd)}, ${duration(result.totalMs)} from feedback to pull request (${duration(result.withoutModelMs)} without the model)`,
      );
      terminal.data(`${result.pullRequestUrl}\n`);
    },
  };
}

function textOf({ event, phase, reason, detail, actor }: RunEventEntry): string | undefined {
  switch (event) {
    case "admitted":
      return "the signature is right, the run is queued, the job is durable";
    case "leased":
      return "a worker holds the lease";
    case "phase_started":
      return phase ? phases[phase] : undefined;
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

const phases: Partial<Record<NonNullable<RunEventEntry["phase"]>, string>> = {
  snapshot: "the visitor's words are frozen, sanitised, shown to the agent as data",
  clone: "git over HTTP into a folder that no sandbox sees",
  deps: "dependencies by the base's lockfile",
  agent: "Claude Code works in the sandbox: no key, no network, one socket to the model proxy",
  validate: "the app's own tests, on the base and on the change, in a fresh sandbox",
  publish: "with the permit: the publisher pushes and opens the pull request",
};

function colourDiff(terminal: Terminal, diff: string): string {
  return cleanText(spellOut(diff))
    .split("\n")
    .map((line) =>
      /^\+(?!\+\+)/.test(line) ? terminal.green(line) : /^-(?!--)/.test(line) ? terminal.red(line) : line,
    )
    .join("\n");
}
