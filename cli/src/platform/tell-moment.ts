import { spellOut } from "@feedback-chat/protocol/spell-out";
import type { DemoMoment, DemoResult } from "../core/demo-moment.ts";
import { duration } from "../core/duration.ts";
import { dollars } from "../core/money.ts";
import { renderEvidence } from "../core/render-evidence.ts";
import { cleanText } from "./clean-text.ts";
import type { Terminal } from "./terminal.ts";

/** Of what is told again: every line says so. */
export type Recorded = { recordedAt: string };

/**
 * Tells one moment: as lines for people on stderr, or with `--json` as NDJSON on stdout. A recording is labelled in
 * each line that has a time, and gives no address as data: that pull request is not there any more.
 */
export function tellMoment(terminal: Terminal, moment: DemoMoment, recorded: Recorded | null): void {
  if (terminal.isJson) return terminal.event({ ...moment, ...recorded });
  switch (moment.type) {
    case "demo.step":
      return terminal.say(stepLine(terminal, moment, recorded));
    case "demo.log":
      if (moment.level !== "debug") terminal.say(terminal.dim(`          │ ${cleanText(moment.message)}`));
      return;
    case "demo.held":
      return terminal.say(
        `\n${colourDiff(terminal, moment.diff)}\n${renderEvidence(moment.evidence).map(cleanText).join("\n")}\n`,
      );
    case "demo.diff":
      return terminal.say(`\n${terminal.bold(moment.title)}\n${colourDiff(terminal, moment.diff)}`);
    case "demo.pull_request":
      if (recorded) terminal.say(`\n${terminal.bold(cleanText(moment.title))}\n${cleanText(moment.body)}`);
      return;
    case "demo.result":
      return tellResult(terminal, moment, recorded);
    case "demo.event":
    case "demo.cost":
      return;
  }
}

type Step = Extract<DemoMoment, { type: "demo.step" }>;

function stepLine(terminal: Terminal, { step, text, atMs, stepMs }: Step, recorded: Recorded | null): string {
  const time = terminal.dim(`${recorded ? "recorded " : ""}${(atMs / 1000).toFixed(1).padStart(5)} s`);
  return `${time}  ${terminal.bold(step.padEnd(10))} ${cleanText(text)} ${terminal.dim(`+${duration(stepMs)}`)}`;
}

function tellResult(terminal: Terminal, result: DemoResult, recorded: Recorded | null): void {
  if (!result.ok)
    return terminal.say(`\n${terminal.red("It ended in")} ${result.stage}: ${cleanText(result.reason ?? "")}`);
  terminal.say(
    `\n${terminal.green("pull request")} ${result.branch}, ${dollars(result.costMicroUsd)}, ${duration(result.totalMs)} from feedback to pull request (${duration(result.withoutModelMs)} without the model)`,
  );
  if (!recorded) terminal.data(`${result.pullRequestUrl}\n`);
}

function colourDiff(terminal: Terminal, diff: string): string {
  return cleanText(spellOut(diff))
    .split("\n")
    .map((line) =>
      /^\+(?!\+\+)/.test(line) ? terminal.green(line) : /^-(?!--)/.test(line) ? terminal.red(line) : line,
    )
    .join("\n");
}
