import { exitCodeOf } from "@feedback-chat/protocol/run-machine";
import { logLevels, type LogLine } from "@feedback-chat/protocol/run";
import { getRunsProjectId, getRunsRunId, getRunsRunIdLogs } from "@feedback-chat/protocol/operations";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext, CommandRun } from "../command.ts";
import { wholeNumber } from "../core/whole-number.ts";
import { type ApiClient, openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";
import { followRun } from "../platform/follow-run.ts";

type Flags = { follow?: boolean; tail?: string; level?: string };

const logs: CommandRun<Flags> = async (context, flags, [named]) => {
  const api = openApi(context);
  const least = leastLevel(flags.level);
  const runId = named ?? (await newestRun(api));
  const print = (line: LogLine) => {
    if (logLevels.indexOf(line.level) < least) return;
    if (context.terminal.isJson) context.terminal.event({ type: "log", ...line });
    else
      context.terminal.data(
        `${line.at.slice(11, 19)} ${line.level === "info" ? "" : `${line.level} `}${cleanText(line.message)}\n`,
      );
  };
  let after = flags.tail ? 0 : await printAll(api, runId, print);
  if (flags.tail) after = await printTail(api, { runId, count: wholeNumber("--tail", flags.tail, [1, 10_000]) }, print);
  if (!flags.follow) return 0;
  const run = await followRun(api, { runId, after, signal: context.signal }, {
    onLine: print,
    onEvent: (entry) => tellStage(context, entry.stage, entry.waitingFor),
    // A run that waits for a person would be followed for days.
    isEnough: (entry) => entry.waitingFor === "approval" || entry.waitingFor === "reporter",
    onTrouble: (text) => context.terminal.say(text),
  }); // prettier-ignore
  context.terminal.say(
    `${run.stage}${run.waitingFor ? `, waits for ${run.waitingFor}` : ""}${run.reasonText ? `: ${cleanText(run.reasonText)}` : ""}${run.prUrl ? ` ${run.prUrl}` : ""}`,
  );
  return exitCodeOf(run);
};
export default logs;

async function newestRun(api: ApiClient): Promise<string> {
  const { items } = await api.call(getRunsProjectId, { params: { projectId: api.projectId() }, query: { limit: 1 } });
  if (!items[0])
    throw new Problem("not_found", "This project has no run yet.", {
      next: "Label an issue of its repository, or look at `feedback-chat projects list`.",
    });
  return items[0].id;
}

/** @returns the seq of the last line, from where following goes on. */
async function printAll(api: ApiClient, runId: string, print: (line: LogLine) => void): Promise<number> {
  let after = 0;
  for (;;) {
    const { lines, next } = await api.call(getRunsRunIdLogs, { params: { runId }, query: { after, limit: 500 } });
    for (const line of lines) print(line);
    after = lines.at(-1)?.seq ?? after;
    if (next === null || lines.length === 0) return after;
  }
}

async function printTail(
  api: ApiClient,
  { runId, count }: { runId: string; count: number },
  print: (line: LogLine) => void,
): Promise<number> {
  const { lines } = await api.call(getRunsRunIdLogs, { params: { runId }, query: { tail: count } });
  for (const line of lines) print(line);
  if (lines.length > 0) return lines.at(-1)!.seq;
  const { timeline } = await api.call(getRunsRunId, { params: { runId } });
  return timeline.at(-1)?.seq ?? 0;
}

function tellStage({ terminal }: CommandContext, stage: string, waitingFor: string | null): void {
  if (terminal.isJson) terminal.event({ type: "stage", stage, waitingFor });
  else terminal.say(terminal.dim(`-- ${stage}${waitingFor ? `, waits for ${waitingFor}` : ""}`));
}

function leastLevel(level: string | undefined): number {
  if (!level) return 0;
  const at = logLevels.indexOf(level as "info");
  if (at === -1) throw new Problem("usage", `--level is one of ${logLevels.join(", ")}, not "${level}".`);
  return at;
}
