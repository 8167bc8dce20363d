import type { CheckResult } from "@feedback-chat/protocol/evidence";
import { openAttack } from "../open-attack.ts";
import type { LocalRun } from "../read-local-run.ts";
import type { Recipe } from "./recipe.ts";

/** `cleanup` comes after the pull request: the sandboxes' folders are removed. */
export const phases = ["clone", "deps", "agent", "collect", "validate", "publish", "cleanup"] as const;
export type Phase = (typeof phases)[number];

export type ProjectRun = {
  /** Such as "lint passed, test failed → passed", or why there are none. */
  checks: CheckResult[];
  seconds: Record<Phase, number>;
  totalSeconds: number;
  /** null = a pull request with green checks. */
  trouble: string | null;
  said: string;
};

/**
 * One made project on the stand-in of GitHub, an issue, and `feedback-chat run` with the real engine on the scripted
 * model: which mends the bug and runs the tests itself, as a good agent would.
 */
export async function runProject(
  recipe: Recipe,
  { folder, dataFolder, env }: { folder: string; dataFolder: string; env: Record<string, string> },
): Promise<ProjectRun> {
  const issue = { title: "The total forgets the quantity", body: "Three mugs cost as much as one." };
  await using attack = await openAttack({ dataFolder, env, fromFolder: folder, issue, scenario: scenarioOf(recipe) });
  const allowed = recipe.installScripts ? ["--install-scripts", ...recipe.installScripts] : [];
  const run = await attack.run(["--publish", "auto", ...allowed]);
  const checks = run.evidence?.checked.checks ?? [];
  const agentSaw = attack.model.requests.flatMap(({ body }) => toolResults(body)).at(-1) ?? "";
  return {
    checks,
    seconds: secondsByPhase(run),
    totalSeconds: secondsBetween(run.events[0], run.events.at(-2)),
    trouble:
      troubleOf(recipe, run, attack.pulls().length) ??
      (agentSaw.includes(greenWord) ? null : `the agent's own tests: ${agentSaw}`),
    said: run.said,
  };
}

/** What the agent prints when its own run of the tests was green. */
const greenWord = "own-tests-are-green";

function scenarioOf({ mend, agentRuns }: Recipe) {
  const path = `{{tree}}/${mend.file}`;
  const running = {
    command: `cd {{tree}} && (${agentRuns}) > /tmp/said 2>&1 && echo ${greenWord}; tail -n 30 /tmp/said`,
    description: "Run the tests",
    timeout: 300_000,
  };
  return {
    name: "mend",
    about: "Mends the planted bug and runs the tests.",
    steps: [
      { text: "I read the task.", tools: [{ name: "Read", input: { file_path: "{{task}}/issue.json" } }] },
      { text: "I read the source.", tools: [{ name: "Read", input: { file_path: path } }] },
      {
        text: "I mend it.",
        tools: [{ name: "Edit", input: { file_path: path, old_string: mend.from, new_string: mend.to } }],
      },
      { text: "I run the tests.", tools: [{ name: "Bash", input: running }] },
      { text: "The total now counts the quantity." },
    ],
  };
}

function troubleOf(recipe: Recipe, { code, result, evidence }: LocalRun, pulls: number): string | null {
  if (evidence?.checked.isBuilt === false) return evidence.checked.note ?? "not built";
  const checks = evidence?.checked.checks ?? [];
  const red = checks.filter(({ head }) => head.outcome !== "passed");
  if (red.length > 0)
    return red.map(({ name, head }) => `${name} ${head.outcome}: ${head.outputTail.slice(-600)}`).join("\n");
  const names = checks.map(({ name }) => name);
  if (recipe.checks.some((name) => !names.includes(name))) return `checked ${names.join(", ") || "nothing"}`;
  const test = checks.find(({ name }) => name.endsWith("test"));
  if (test?.base?.outcome !== "failed") return `the planted test was ${test?.base?.outcome} on the base`;
  if (code !== 0 || pulls !== 1)
    return `${result?.stage}: ${result?.reasonText ?? "no reason"} (exit code ${code}, ${pulls} pull requests)`;
  return null;
}

type Event = Record<string, unknown> | undefined;

function secondsByPhase({ events }: LocalRun): Record<Phase, number> {
  const marks = events.map((event) =>
    isPullRequest(event) ? { ...event, event: "phase_started", phase: "cleanup" } : event,
  );
  const started = marks.filter(({ event }) => event === "phase_started" || event === "published" || event === "held");
  const sums = Object.fromEntries(phases.map((phase) => [phase, 0])) as Record<Phase, number>;
  for (const [index, { phase }] of started.entries())
    if (phases.includes(phase as Phase) && started[index + 1])
      sums[phase as Phase] += secondsBetween(started[index], started[index + 1]);
  return sums;
}

function isPullRequest({ message }: Record<string, unknown>): boolean {
  return message === "publish: pull created";
}

function secondsBetween(from: Event, to: Event): number {
  return (Date.parse(String(to?.["at"])) - Date.parse(String(from?.["at"]))) / 1000;
}

/** What tools answered, in the order of the messages of one request. */
function toolResults(body: unknown): string[] {
  const { messages = [] } = (body ?? {}) as { messages?: { content: unknown }[] };
  return messages.flatMap(({ content }) =>
    (Array.isArray(content) ? content : []).flatMap((block: { type?: string; content?: unknown }) =>
      block.type === "tool_result"
        ? [typeof block.content === "string" ? block.content : JSON.stringify(block.content)]
        : [],
    ),
  );
}
