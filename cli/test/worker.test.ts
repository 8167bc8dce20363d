import { randomInt } from "node:crypto";
import { join } from "node:path";
import { openWorld, sedEngine, sedEngineAfter, type World } from "@feedback-chat/testing/open-world";
import { processesBelow, processesWith } from "@feedback-chat/testing/process-tree";
import { waitUntil } from "@feedback-chat/testing/wait-until";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

// A fifth of the real times: a renewal every 2 s, also on a machine that is busy.
const figuresScale = 0.2;
let world: World;
beforeAll(async () => {
  world = await openWorld({ databaseUrl: process.env["TEST_DATABASE_URL"], figuresScale });
});
afterAll(() => world[Symbol.asyncDispose]());

function workerEnvironment(home: Home, engine: string[]): Record<string, string> {
  return {
    ...home.env,
    FEEDBACK_CHAT_URL: world.tap.url,
    FEEDBACK_CHAT_WORKER_KEY: world.workerKey,
    FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(engine),
    FEEDBACK_CHAT_DATA: join(world.folder, "worker"),
    FEEDBACK_CHAT_FIGURES_SCALE: String(figuresScale),
    ANTHROPIC_BASE_URL: world.model.url,
    GITHUB_API_URL: world.github.url,
    GITHUB_URL: world.github.url,
  };
}
/** An argument by which this test's processes are told from all others on the machine. */
const sleepOfOurs = () => `sleep 300.${randomInt(1e9)}`;
const ended = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;

let projects = 0;
async function queueOne(publish: "auto" | "hold") {
  const project = await world.addProject({ repo: `shop-${++projects}`, settings: { publish, checks: [] } });
  project.openIssue();
  const run = await project.runThat("queued", ({ stage, waitingFor }) => stage === "queued" && waitingFor !== "github");
  return { project, runId: run.id };
}

describe("case 21: worker --once", () => {
  it("ends with 0 when no job waits", async () => {
    using home = makeHome();
    const { code, stdout } = await runCli(["worker", "--once"], workerEnvironment(home, sedEngine));
    expect(code).toBe(0);
    expect(ended(stdout)).toMatchObject({ event: "worker.ended", exitCode: 0, reason: "no job waits" });
  });

  it.each([
    { name: "0 when the pull request is open", publish: "auto", engine: sedEngine, code: 0, stage: "preview_ready" },
    { name: "8 when the change is held", publish: "hold", engine: sedEngine, code: 8, stage: "validating" },
    { name: "1 when it failed", publish: "auto", engine: ["sh", "-c", "exit 3"], code: 1, stage: "failed" },
  ] as const)("ends with the job's outcome: $name", async ({ publish, engine, code, stage }) => {
    using home = makeHome();
    const { project, runId } = await queueOne(publish);
    const ran = await runCli(["worker", "--once"], workerEnvironment(home, [...engine]));
    expect(ran, ran.stdout).toMatchObject({ code });
    expect(ended(ran.stdout)).toMatchObject({ event: "worker.ended", exitCode: code });
    expect(await project.runOf(runId)).toMatchObject({ stage });
  });
});

describe("case 22: SIGTERM while a job is at work", () => {
  it("drains: renews on, ends the job, claims no other", async () => {
    using home = makeHome();
    const { project, runId } = await queueOne("auto");
    const engine = sedEngineAfter("sleep 5");
    await using worker = startCli(["worker"], workerEnvironment(home, engine));
    await project.runThat("at work", ({ phase }) => phase === "agent");
    const next = await queueOne("auto");
    worker.kill("SIGTERM");
    await worker.said(/worker\.draining/);
    const drainedAt = Date.now();
    const { code, stdout } = await worker.ended;
    expect(code, stdout).toBe(0);
    expect(await project.runOf(runId)).toMatchObject({ stage: "preview_ready", attempt: 1 });
    const later = world.tap.requests.filter(({ at }) => at > drainedAt);
    expect(later.some(({ path }) => path.endsWith("/renew"))).toBe(true);
    expect(later.some(({ path }) => path.endsWith("/claim"))).toBe(false);
    expect(await next.project.runOf(next.runId)).toMatchObject({ stage: "queued" });
    await next.project.act(next.runId, "cancel");
  });

  it("gives the job back at once at the second signal, and leaves no child", async () => {
    using home = makeHome();
    const { project, runId } = await queueOne("auto");
    const sleep = sleepOfOurs();
    await using worker = startCli(["worker"], workerEnvironment(home, ["sh", "-c", sleep]));
    await waitUntil("the engine at work", () => processesWith(sleep).length > 0);
    worker.kill("SIGTERM");
    await worker.said(/worker\.draining/);
    const children = processesBelow(worker.pid);
    worker.kill("SIGTERM");
    const { code } = await worker.ended;
    expect(code).toBe(0);
    const { stage, timeline } = await project.runOf(runId);
    expect(stage).toBe("queued");
    expect(timeline.at(-1)).toMatchObject({ event: "released" });
    expect(children.length).toBeGreaterThan(0);
    await waitUntil("no child left", () => processesWith(sleep).length === 0);
    for (const { pid, argv } of children) expect(processesWith(argv).some((one) => one.pid === pid)).toBe(false);
  });
});
