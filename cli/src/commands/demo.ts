import { isHeld } from "@feedback-chat/protocol/run-machine";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { postRunsProjectIdRunIdAction } from "@feedback-chat/protocol/operations";
import type { RunDetail } from "@feedback-chat/protocol/run";
import type { CommandContext, CommandRun } from "../command.ts";
import type { ApiClient } from "../platform/api-client.ts";
import { type DemoWorld, openDemoWorld } from "../platform/demo-world.ts";
import { followRun } from "../platform/follow-run.ts";
import { makeTale, type Tale } from "../platform/tell-demo.ts";
import { replayDemo } from "./demo-replay.ts";

type Flags = { keep?: boolean; live?: boolean; offline?: boolean; replay?: boolean };

/** The whole loop on real parts; only the model's and GitHub's servers are stood in for. Or a recording of that. */
const demo: CommandRun<Flags> = async (context, flags) => {
  if (!flags.replay) return runDemo(context, flags);
  if (flags.keep || flags.live)
    throw new Problem("usage", "--replay plays a recording: there is nothing to keep and nothing live in it.", {
      next: "Leave --keep and --live out, or --replay.",
    });
  return replayDemo(context);
};
export default demo;

async function runDemo(context: CommandContext, flags: Flags): Promise<number> {
  const liveKey = flags.live ? context.config.all["ANTHROPIC_API_KEY"] : undefined;
  if (flags.live && !liveKey)
    throw new Problem("missing_key", "--live needs your own ANTHROPIC_API_KEY, and it is not set.", {
      next: "Set ANTHROPIC_API_KEY, or leave --live out.",
    });
  const tale = makeTale(context.terminal);
  tale.title("feedback-chat: what a user says becomes a pull request you can trust");
  await using world = await openDemoWorld(context, {
    liveKey,
    isKept: flags.keep ?? false,
    isOffline: flags.offline ?? false,
    tale,
  }).catch(namingTheRecording);
  const filedAt = performance.now();
  const issue = world.fileFeedback();
  tale.step("webhook", `feedback of an anonymous visitor is issue #${issue.number}; GitHub's webhook is on its way`);
  const runId = await world.firstRun(context.signal);
  const followed = { context, api: world.maintainer, tale };
  const held = await follow(followed, { runId, after: 0, endsHeld: true });
  const run = isHeld(held) ? await decide({ ...followed, world }, held) : held;
  const totalMs = Math.round(performance.now() - filedAt - tale.waitedMs());
  const isOk = run.stage === "preview_ready";
  if (isOk) {
    tale.patch("the pull request's diff", await world.pullDiff(run.branch));
    tale.pullRequest(world.pullRequest(run.branch));
  }
  tale.result({
    ok: isOk,
    stage: run.stage,
    ...(isOk ? {} : { reason: run.reasonText ?? run.reason }),
    pullRequestUrl: run.prUrl,
    branch: run.branch,
    runId: run.id,
    costMicroUsd: run.costMicroUsd,
    totalMs,
    withoutModelMs: Math.max(0, totalMs - Math.round(await modelMs(world, run))),
    gitDir: world.gitDir,
  });
  if (flags.keep) await world.stayUp(context.signal);
  return isOk ? 0 : 1;
}

/** Whoever can have no sandbox still sees what the product does. */
function namingTheRecording(error: unknown): never {
  if (!isProblem(error, "sandbox_unavailable")) throw error;
  throw new Problem(error.code, error.message, {
    next: `${error.next} Or watch a recorded real run, which needs none: feedback-chat demo --replay`,
    facts: error.facts,
    cause: error,
  });
}

type Followed = { context: CommandContext; api: ApiClient; tale: Tale };

/** Of a live model we know only how long the agent was at work with it. */
async function modelMs(world: DemoWorld, run: RunDetail): Promise<number> {
  const isJudged = run.artifacts.some(({ name }) => name === "evidence.json");
  return world.modelMs() ?? (isJudged ? (await world.artifactsOf(run.id)).evidence.spent.agentMs : 0);
}

/** Tells events and log lines as they come, until the run is held or settled. */
async function follow(
  { context: { signal }, api, tale }: Followed,
  { runId, after, endsHeld }: { runId: string; after: number; endsHeld: boolean },
): Promise<RunDetail> {
  return followRun(api, { runId, after, signal }, {
    onEvent: (entry) => tale.event(entry),
    onLine: (line) => tale.line(line),
    onCost: ({ costMicroUsd }) => tale.cost(costMicroUsd),
    isEnough: (entry) => endsHeld && isHeld(entry),
    onTrouble: (text) => tale.note(text),
  }); // prettier-ignore
}

/** Shows what a person would look at, and decides as the demo's maintainer: a real user with the role member. */
async function decide(followed: Followed & { world: DemoWorld }, run: RunDetail): Promise<RunDetail> {
  const { context, world, tale, api } = followed;
  const { evidence, diff } = await world.artifactsOf(run.id);
  tale.held(run, evidence, diff);
  const isAsked = context.terminal.isInteractive;
  const isYes = await tale.waiting(
    async () => !isAsked || (await context.terminal.confirm("Approve it as demo-maintainer?", "nothing")),
  );
  const action = isYes ? "approve" : "reject";
  tale.step(
    action,
    `demo-maintainer ${isYes ? "approves" : "rejects"} through the API${isAsked ? "" : " (nobody at a terminal: the demo does it)"}`,
  );
  await api.call(postRunsProjectIdRunIdAction, {
    params: { projectId: run.projectId, runId: run.id },
    body: { action, expectedStage: run.stage },
  });
  return follow(followed, { runId: run.id, after: run.timeline.at(-1)?.seq ?? 0, endsHeld: false });
}
