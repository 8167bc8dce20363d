import { cleanText } from "./clean-log.ts";
import { code, defuse, neutralise, quote } from "./neutralise.ts";
import type { CheckResult, Evidence, InstallScript, Verdict } from "@feedback-chat/protocol/evidence";
import type { Origin } from "@feedback-chat/protocol/job";

export type PullRequestFacts = {
  evidence: Evidence;
  origin: Origin;
  /** Login of who approved, if somebody did. */
  approvedBy: string | null;
  /** The line by which the publisher knows its own pull request again. */
  runMarker: string;
  /** Such as "The base branch has moved on since." */
  baseNote: string | null;
};

const maxSummaryChars = 4_000;
const maxNoteChars = 1_000;
/** Of a list's lines. GitHub takes 65,536 characters in all, and the names in them are the agent's. */
const maxListChars = { files: 12_000, checks: 6_000, flags: 14_000 };

/** Title and body are ours; what the agent or a stranger wrote is quoted in them and can do nothing there. */
export function pullRequestFor(facts: PullRequestFacts): { title: string; body: string } {
  const { asked, done } = facts.evidence;
  const sections = [
    facts.baseNote,
    section("Asked", [`Issue #${asked.issueNumber}`, quote(asked.title), ...askedNotes(facts.evidence)]),
    section("Done", [
      done.isUnfinished
        ? `**Unfinished (${done.unfinishedBecause ?? "stopped"}):** the agent was stopped before it was done.`
        : null,
      quote(cut(done.summary, maxSummaryChars)),
      fileTable(facts.evidence),
    ]),
    section("Checked", [
      checkTable(facts.evidence.checked.checks),
      scriptList(facts.evidence.checked.installScripts),
      facts.evidence.checked.isBuilt ? null : "Not built: the dependencies could not be installed.",
      facts.evidence.checked.note === null ? null : quote(cut(facts.evidence.checked.note, maxNoteChars)),
    ]),
    section("Flagged", [flagList(facts.evidence.flagged)]),
    section("Cost", [costLine(facts.evidence)]),
    footer(facts),
  ];
  return {
    title: titleFor(asked.issueNumber, asked.title),
    body: `${sections.filter((part) => part !== null).join("\n\n")}\n`,
  };
}

/** Which of the settings' install scripts ran: they ran before anything was checked, and may have changed how. */
function scriptList(scripts: InstallScript[]): string | null {
  if (scripts.length === 0) return null;
  const named = scripts.map(({ package: name, script, outcome }) => `${code(name)} ${code(script)} ${outcome}`);
  return cut(`Install scripts: ${named.join(", ")}.`, maxNoteChars);
}

/** A title becomes a commit message when the branch is squashed: a closing word in it would close. */
function titleFor(issueNumber: number, title: string): string {
  const words = cut(defuse(cleanText(title)).replace(/\s+/g, " ").trim(), 100);
  return `Feedback #${issueNumber}: ${words || "no title"}`;
}

function section(title: string, parts: (string | null)[]): string {
  return [`## ${title}`, ...parts.filter((part) => part !== null && part !== "")].join("\n\n");
}

function askedNotes({ asked }: Evidence): string[] {
  return [
    ...(asked.hiddenRemoved > 0
      ? [`${asked.hiddenRemoved} hidden parts of the issue were removed before the agent saw it.`]
      : []),
    ...(asked.wasCut ? ["The issue was longer than the agent gets to see: it was cut."] : []),
  ];
}

function fileTable({ done }: Evidence): string {
  const rows = done.files.map(
    (file) => `| ${code(file.path)} | ${file.change} | +${file.addedLines} −${file.removedLines} |`,
  );
  const ignored =
    done.ignoredFiles > 0 ? `\n\n${done.ignoredFiles} files that the repository ignores were left out.` : "";
  const { shown, more } = fitting(rows, "files");
  return `| File | Change | Lines |\n| --- | --- | --- |\n${shown}${more}${ignored}`;
}

function checkTable(checks: CheckResult[]): string {
  if (checks.length === 0) return "The project has no checks that could be run.";
  const rows = checks.map(({ name, command, base, head }) => {
    const both = base?.outcome === "failed" && head.outcome === "failed" ? " (failed before too)" : "";
    return `| ${code(name)} | ${code(command.join(" "))} | ${wordFor(base?.outcome ?? "not_run")} | **${wordFor(head.outcome)}**${both} |`;
  });
  const { shown, more } = fitting(rows, "checks");
  return `| Check | Command | Before | After |\n| --- | --- | --- | --- |\n${shown}${more}`;
}

function wordFor(outcome: CheckResult["head"]["outcome"]): string {
  return { passed: "passed", failed: "failed", timed_out: "timed out", not_run: "not run" }[outcome];
}

function flagList(flagged: Verdict[]): string {
  if (flagged.length === 0) return "Nothing.";
  // What holds the run comes first: many flags must not push it out.
  const rows = flagged
    .toSorted((a, b) => Number(b.level === "hold") - Number(a.level === "hold"))
    .map(
      ({ level, path, line, detail }) =>
        `- ${level === "hold" ? "**look here:** " : ""}${code(line === null ? path : `${path}:${line}`)} ${neutralise(detail)}`,
    );
  const { shown, more } = fitting(rows, "flags");
  return `${shown}${more}`;
}

/** As many lines as there is room for. */
function fitting(lines: string[], what: keyof typeof maxListChars): { shown: string; more: string } {
  let chars = 0;
  const end = lines.findIndex((line) => (chars += line.length + 1) > maxListChars[what]);
  const left = end === -1 ? 0 : lines.length - end;
  return {
    shown: lines.slice(0, lines.length - left).join("\n"),
    more: left > 0 ? `\n\n… and ${left} more ${what}.` : "",
  };
}

function costLine({ spent }: Evidence): string {
  const usd = (spent.costMicroUsd / 1_000_000).toFixed(4);
  return `${usd} USD · ${spent.inputTokens} tokens in, ${spent.outputTokens} out · agent ${seconds(spent.agentMs)}, all ${seconds(spent.totalMs)}`;
}

function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** A stranger's issue is closed by a person's decision only. */
function footer({ evidence, origin, approvedBy, runMarker }: PullRequestFacts): string {
  const closes = approvedBy !== null || origin === "maintainer";
  const lines = [
    `${closes ? "Closes" : "Refs"} #${evidence.asked.issueNumber}`,
    ...(approvedBy === null ? [] : [`Approved by ${code(approvedBy)}`]),
    `Base commit ${code(evidence.done.baseSha)}`,
    runMarker,
    "Made by [feedback-chat](https://feedback.chat). The quoted parts were written by a language model from a user's words.",
  ];
  return `---\n\n${lines.join("  \n")}`;
}

function cut(text: string, maxChars: number): string {
  return text.length > maxChars
    ? `${text
        .slice(0, maxChars - 1)
        .toWellFormed()
        .replaceAll("\ufffd", "")}…`
    : text;
}
