import { Problem } from "@feedback-chat/protocol/problem";
import { spellOut } from "@feedback-chat/protocol/spell-out";
import type { CommandContext, CommandRun } from "../command.ts";
import { parseDollars } from "../core/money.ts";
import { renderEvidence } from "../core/render-evidence.ts";
import { cleanText } from "../platform/clean-text.ts";
import { findEngineFor } from "../platform/find-engine.ts";
import { findPart } from "../platform/find-part.ts";
import { findRepository } from "../platform/find-repository.ts";
import { withEnvFile } from "../platform/read-env-file.ts";

type Flags = {
  repo?: string;
  base?: string;
  budget: string;
  installScripts?: string[];
  branchPrefix?: string;
  publish?: string;
  resume?: string;
  answer?: string;
  reject?: boolean;
  offline?: boolean;
};
type RunEntry = typeof import("@feedback-chat/agent/run");
type Input = Parameters<RunEntry["runIssue"]>[1];
type Result = Awaited<ReturnType<RunEntry["runIssue"]>>;

/** The pipeline here, without a control plane. */
const run: CommandRun<Flags> = async (context, flags, [issue]) => {
  requireFitting(flags);
  const isOffline = flags.offline ?? false;
  const environment = withEnvFile(context.config.all, context.folder);
  const wanted = flags.resume ? resumed(flags.resume, flags) : await wantedIssue(context, flags, issue, environment);
  const part = await findPart(context, "@feedback-chat/agent", isOffline);
  const { parseRunConfig, runIssue, rejectRun } = await part.load<RunEntry>("run");
  const onEvent: Input["onEvent"] = (event) => tell(context, event);
  if (flags.resume && flags.reject) {
    const { signal } = context;
    const rejected = await rejectRun(parseRunConfig(environment), { runId: flags.resume, signal, onEvent });
    return tellResult(context, rejected, { ok: true });
  }
  const engine = await findEngineFor({ ...context, config: { ...context.config, all: environment } }, part, isOffline);
  const publish = publishOf(context, flags.publish);
  const result = await runIssue(parseRunConfig({ ...environment, ...engine }), {
    ...wanted,
    publish,
    signal: context.signal,
    onEvent,
    ask: (held) => ask(context, held),
    ...(context.terminal.isInteractive ? { answer: (question: string) => answer(context, question) } : {}),
  });
  tellResult(context, result, { ok: result.exitCode === 0 });
  return result.exitCode;
};
export default run;

/** @throws Problem usage for words that would silently do nothing. */
function requireFitting({ resume, answer: answered, reject }: Flags): void {
  if (!resume && (answered !== undefined || reject))
    throw new Problem("usage", `${reject ? "--reject" : "--answer"} is for a run that waits.`, {
      next: "Name it with --resume RUN.",
    });
  if (reject && answered !== undefined) throw new Problem("usage", "--answer and --reject exclude each other.");
  if (answered !== undefined && answered.trim() === "") throw new Problem("usage", "--answer is empty.");
}

function resumed(runId: string, { answer: answered }: Flags) {
  return { resume: runId, ...(answered === undefined ? {} : { answerText: answered.trim() }) };
}

async function wantedIssue(
  context: CommandContext,
  flags: Flags,
  issue: string | undefined,
  environment: Record<string, string | undefined>,
) {
  if (!issue || !/^[1-9]\d{0,8}$/.test(issue))
    throw new Problem("usage", issue ? `"${issue}" is no issue number.` : "Which issue?", {
      next: "Give its number: `feedback-chat run 42`.",
    });
  const budgetMicroUsd = parseDollars(flags.budget);
  if (budgetMicroUsd === undefined)
    throw new Problem("usage", `--budget is an amount in dollars, not "${flags.budget}".`);
  const repo = await findRepository(context, flags.repo, environment);
  return {
    repo,
    issueNumber: Number(issue),
    budgetMicroUsd,
    ...(flags.base ? { base: flags.base } : {}),
    settings: {
      ...(flags.installScripts ? { installScripts: flags.installScripts } : {}),
      ...(flags.branchPrefix === undefined ? {} : { branchPrefix: flags.branchPrefix }),
    },
  };
}

/** Somebody who cannot be asked gets a held run, never a published one. */
function publishOf({ terminal }: CommandContext, flag: string | undefined): Input["publish"] {
  if (flag === undefined) return terminal.isInteractive ? "ask" : "hold";
  if (flag !== "ask" && flag !== "hold" && flag !== "auto")
    throw new Problem("usage", `--publish is ask, hold or auto, not "${flag}".`);
  if (flag === "ask" && !terminal.isInteractive)
    throw new Problem("usage", "--publish ask needs a terminal.", {
      next: "Give --publish hold, and release it later with --resume.",
    });
  return flag;
}

function tell({ terminal }: CommandContext, event: Parameters<Input["onEvent"]>[0]): void {
  if (terminal.isJson) return terminal.event({ ...event, type: `run.${event.type}` });
  if (event.type === "log")
    return void (event.level !== "debug" && terminal.say(terminal.dim(`  ${cleanText(event.message)}`)));
  terminal.say(
    `${event.at.slice(11, 19)} ${event.stage}${event.phase ? `, ${event.phase}` : ""}${event.detail ? `: ${cleanText(event.detail)}` : ""}`,
  );
}

async function ask(
  { terminal }: CommandContext,
  held: Parameters<Input["ask"]>[0],
): Promise<"approve" | "reject" | "hold"> {
  terminal.say(`\n${cleanText(spellOut(held.diff))}`);
  for (const line of renderEvidence(held.evidence)) terminal.say(cleanText(line));
  terminal.say(`held     ${held.reason}`);
  return terminal.choose(
    `Push ${held.branch} and open the pull request?`,
    [
      { value: "approve", label: "Publish it" },
      { value: "hold", label: "Keep it held", isFirst: true },
      { value: "reject", label: "Reject it: the run ends, nothing is pushed" },
    ],
    "--publish",
  );
}

/** The agent's words, which are a stranger's; nothing typed leaves the question open. */
async function answer({ terminal }: CommandContext, question: string): Promise<string | null> {
  terminal.say(`The agent asks: ${cleanText(question)}`);
  return (await terminal.line("Your answer (empty: later)", "--answer")) || null;
}

function tellResult({ terminal }: CommandContext, result: Result, { ok }: { ok: boolean }): void {
  if (terminal.isJson) return terminal.event({ type: "run.result", ok, ...result });
  if (result.prUrl) return terminal.data(`${result.prUrl}\n`);
  terminal.say(
    `${result.stage}${result.waitingFor ? `, waits for ${result.waitingFor}` : ""}${result.reasonText ? `: ${cleanText(result.reasonText)}` : ""}`,
  );
  if (result.exitCode !== 8 && result.exitCode !== 130) return;
  if (result.question) terminal.say(`It asks: ${cleanText(result.question)}`);
  const how = result.question ? ` --answer "…"` : "";
  terminal.say(`Go on with: feedback-chat run --resume ${result.runId}${how}`);
  terminal.say(`Or end it:  feedback-chat run --resume ${result.runId} --reject`);
}
