import type { CheckFinding, SandboxCheck } from "@feedback-chat/protocol/check";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext, CommandRun } from "../command.ts";
import { cleanText } from "../platform/clean-text.ts";
import { findEngineFor } from "../platform/find-engine.ts";
import { findPart, type Part } from "../platform/find-part.ts";
import { findRepository } from "../platform/find-repository.ts";
import { withEnvFile } from "../platform/read-env-file.ts";
import { tellFindings } from "../platform/tell-findings.ts";

type Flags = { sandbox?: boolean; remote?: boolean; repo?: string; offline?: boolean };
type SandboxEntry = typeof import("@feedback-chat/agent/sandbox");
type RepositoryEntry = typeof import("@feedback-chat/agent/repository");

/** As the worker ends when its self-test fails: nothing heals it but a change of the machine. */
const willNotHeal = 78;
const findings = 3;

/** What is wrong with this machine, or with a repository; changes nothing. */
const check: CommandRun<Flags> = async (context, flags) => {
  if (flags.sandbox === flags.remote)
    throw new Problem("usage", flags.sandbox ? "One check at a time." : "What shall be checked?", {
      next: "Give --sandbox or --remote: `feedback-chat check --sandbox`.",
    });
  if (flags.repo !== undefined && !flags.remote) throw new Problem("usage", "--repo goes with --remote.");
  return flags.remote ? remote(context, flags) : sandbox(context, flags);
};
export default check;

/** Whether runs could push to the repository. */
async function remote(context: CommandContext, flags: Flags): Promise<number> {
  const environment = withEnvFile(context.config.all, context.folder);
  const repo = await findRepository(context, flags.repo, environment);
  const part = await findPart(context, "@feedback-chat/agent", flags.offline ?? false);
  const { checkRepository, parseRunConfig } = await part.load<RepositoryEntry>("repository");
  const checks = await checkRepository(parseRunConfig(environment), { repo, signal: context.signal });
  const failed = checks.find(({ status }) => status === "fail");
  const problem = failed ? new Problem("github_refused", failed.detail, { next: failed.next }) : null;
  context.terminal.result("check", { repo, checks }, problem);
  if (!context.terminal.isJson) tellFindings(context.terminal, checks);
  return failed ? findings : 0;
}

async function sandbox(context: CommandContext, flags: Flags): Promise<number> {
  const part = await findPart(context, "@feedback-chat/agent", flags.offline ?? false);
  const { checkSandbox, parseRunConfig } = await part.load<SandboxEntry>("sandbox");
  const environment = { ...context.config.all, ...(await installedEngine(context, part)) };
  const { check: found, problem } = await checkSandbox(parseRunConfig(environment));
  context.terminal.result("check", found, problem);
  if (!context.terminal.isJson) tell(context, found, problem);
  return problem ? willNotHeal : 0;
}

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
  tellFindings(terminal, checks);
  const count = (status: CheckFinding["status"]) => checks.filter((finding) => finding.status === status).length;
  terminal.say(`\n${count("pass")} hold, ${count("fail")} fail, ${count("skipped")} skipped.`);
  if (problem)
    terminal.say(`${terminal.red("No job may run here.")}\n${terminal.dim("next")}  ${cleanText(problem.next)}`);
}
