import { createInterface, type Interface } from "node:readline";
import { noProxies } from "@feedback-chat/protocol/http-proxies";
import { isProblem } from "@feedback-chat/protocol/problem";
import { systemClock } from "../platform/system-clock.ts";
import { gitNetworkFor } from "../git/git-environment.ts";
import { openDispatcher } from "../platform/open-dispatcher.ts";
import { fetchThrough } from "../platform/open-network.ts";
import { confirmPermit } from "./confirm-permit.ts";
import { openGitHub } from "./github.ts";
import { openOctokit } from "./open-octokit.ts";
import { publishPlan, type PublisherLine, type PublishStep } from "../core/publish-plan.ts";
import { publishRun } from "./publish-run.ts";

/**
 * Entry of the publisher process: the only one that ever holds a write token. It stands by until it gets its plan, which is the first line of stdin; it
 * knows a GIT_DIR and a tree id, and no work tree. Answers one JSON object a line, and asks before each write. When
 * stdin ends, whoever started it is gone or has stopped the run: it ends too, and git with it.
 */
async function main(): Promise<void> {
  const stopping = new AbortController();
  const lines = createInterface({ input: process.stdin });
  const first = await firstOf(lines);
  if (first === null) return; // stood by for a run that published nothing
  lines.once("close", () => stopping.abort());
  const plan = publishPlan.parse(JSON.parse(first));
  const clock = systemClock();
  const httpProxies = plan.network?.httpProxies ?? noProxies;
  const octokit = openOctokit(
    { fetch: fetchThrough(openDispatcher({ httpProxies, connectSeconds: 5 })), signal: stopping.signal },
    { apiUrl: plan.repository.apiUrl, token: plan.token },
  );
  const github = openGitHub({ octokit, clock }, plan.repository);
  const deps = {
    clock,
    github,
    signal: stopping.signal,
    protocols: plan.protocols,
    network: gitNetworkFor(plan.repository.cloneUrl, plan.network),
    onStep: (step: PublishStep) => say({ type: "step", step }),
    confirmPermit: () => confirmPermit({ clock, ask: () => askOver(lines) }),
  };
  say(await publishRun(deps, plan).then((published) => ({ type: "done", published }) as const, problemLine));
  process.stdin.destroy();
}

function firstOf(lines: Interface): Promise<string | null> {
  return new Promise((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(null));
  });
}

/** The answer is always yes: whoever says no ends this process. */
async function askOver(lines: Interface): Promise<void> {
  const answer = firstOf(lines);
  say({ type: "ask" });
  if ((await answer) === null) throw new Error("Whoever started the publisher is gone.");
}

function problemLine(error: unknown): PublisherLine {
  if (!isProblem(error)) throw error;
  return {
    type: "problem",
    code: error.code,
    detail: error.message,
    next: error.next,
    facts: error.facts,
  };
}

function say(line: PublisherLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

await main();
