import type { CheckFinding, SandboxCheck } from "@feedback-chat/protocol/check";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext, CommandRun } from "../command.ts";
import { cleanText } from "../platform/clean-text.ts";
import { findEngineFor } from "../platform/find-engine.ts";
import { findPart, type Part } from "../platform/find-part.ts";

type Flags = { sandbox?: boolean; offline?: boolean };
type SandboxEntry = typeof import("@feedback-chat/agent/sandbox");

/** As the worker ends when its self-test fails: nothing heals it but a change of the machine. */
const willNotHeal = 78;

/** What is wrong with this machine; changes nothing. */
const check: CommandRun<Flags> = async (context, flags) => {
  if (!flags.sandbox)
    throw new Problem("usage", "What shall be checked?", { next: "Give --sandbox: `feedback-chat check --sandbox`." });
  const part = await findPart(context, "@feedback-chat/agent", flags.offline ?? false);
  const { checkSandbox, parseRunConfig } = await part.load<SandboxEntry>("sandbox");
  const environment = { ...context.config.all, ...(await installedEngine(context, part)) };
  const { check: found, problem } = await checkSandbox(parseRunConfig(environment));
  context.terminal.result("check", found, problem);
  if (!context.terminal.isJson) tell(context, found, problem);
  return problem ? willNotHeal : 0;
};
export default check;

/** A check fetches no 370 MB: an engine that is not here is said to be skipped. */
async function installedEngine(context: CommandContext, agent: Part): Promise<Record<string, string>> {
  try {
    return await findEngineFor(context, agent, true);
  } catch (error) {
    if (isProblem(error, "package_missing")) return {};
    throw error;
  }
}

function tell({ terminal }: CommandContext, { sandbox, checks }: SandboxCheck, problem: Problem | null): void {
  if (sandbox) {
    const rows = [["sandbox", `${sandbox.mechanism} ${sandbox.version}, jobs run as user ${sandbox.runsAs}`]];
    for (const [limit, mechanism] of Object.entries(sandbox.limits)) rows.push([limit, mechanism]);
    rows.push(["layers", sandbox.layers]);
    for (const [name = "", words = ""] of rows) terminal.data(`${name.padEnd(10)} ${cleanText(words)}\n`);
    terminal.data("\n");
  }
  const width = Math.max(...checks.map(({ id }) => id.length));
  for (const finding of checks) terminal.data(`${lineOf(finding, width)}\n`);
  const count = (status: CheckFinding["status"]) => checks.filter((finding) => finding.status === status).length;
  terminal.say(`\n${count("pass")} hold, ${count("fail")} fail, ${count("skipped")} skipped.`);
  if (problem)
    terminal.say(`${terminal.red("No job may run here.")}\n${terminal.dim("next")}  ${cleanText(problem.next)}`);
}

function lineOf({ id, status, title, detail, next }: CheckFinding, width: number): string {
  const mark = { pass: "ok", fail: "FAIL", skipped: "skip", warn: "warn", error: "????" }[status];
  const line = `${mark.padEnd(4)} ${id.padEnd(width)}  ${title}: ${cleanText(detail)}`;
  return next ? `${line}\n     ${" ".repeat(width)}  next: ${cleanText(next)}` : line;
}
