import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { startModel, type ModelServer } from "@feedback-chat/demo/model-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import type { RunSettings } from "@feedback-chat/protocol/job";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseRunConfig } from "../src/config.ts";
import type { LocalEvent } from "../src/coordinators/local.ts";
import { runIssue, type HeldFacts, type RunIssueInput } from "../src/run-issue.ts";

const enginePackage = createRequire(import.meta.url).resolve("@anthropic-ai/claude-code/package.json");
const enginePath = join(dirname(enginePackage), "bin", "claude.exe");
const modelKey = "sk-ant-api03-canary-7Qm2xZ9vK4";
const repo = "acme/shop";

/** The engine is put there once: the tests share it. */
let dataFolder: string;
let folder: string;
let github: Github;
let model: ModelServer | undefined;
let token: string;
let events: LocalEvent[];
let issueNumber: number;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "agent-data-"));
  await chmod(dataFolder, 0o711); // the sandbox's own user passes through
});
afterAll(() => rm(dataFolder, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-claude-"));
  github = await startGithub({ folder: join(folder, "github") });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { ada: "write" },
  });
  ({ number: issueNumber } = github.openIssue({ repo, author: "ada", ...shopFeedback }));
  token = github.addToken({ login: "ada" });
  events = [];
});
afterEach(async () => {
  await model?.close();
  await github.close();
  await rm(folder, { recursive: true });
});

async function start(
  scenario: string,
  change: {
    settings?: Partial<RunSettings>;
    budgetMicroUsd?: number;
    ask?: RunIssueInput["ask"];
    publish?: "ask" | "auto";
  } = {},
) {
  model = await startModel({ scenario, key: modelKey });
  const config = parseRunConfig({
    FEEDBACK_CHAT_DATA: dataFolder,
    FEEDBACK_CHAT_ENGINE_PATH: enginePath,
    XDG_STATE_HOME: join(folder, "state"),
    ANTHROPIC_API_KEY: modelKey,
    ANTHROPIC_BASE_URL: model.url,
    GITHUB_TOKEN: token,
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
  });
  const input = {
    repo,
    issueNumber,
    publish: "auto",
    signal: new AbortController().signal,
    ask: async () => "hold",
    ...change,
  } as const;
  return runIssue(config, {
    ...input,
    onEvent: (event: LocalEvent) => events.push(event),
  } as RunIssueInput);
}

function told(): string {
  return events
    .map((event) =>
      event.type === "log"
        ? `  ${event.level} ${event.message}`
        : `${event.event} ${event.phase ?? ""} ${event.detail ?? ""}`,
    )
    .join("\n");
}

/** What a scripted run cost, by the far end's own count. */
function counted() {
  const { costMicroUsd = 0 } = model?.counted ?? {};
  return costMicroUsd;
}

describe("a run with Claude Code", () => {
  it("reads, repairs and tests the shop, and costs what the model counted", async () => {
    let held: HeldFacts | undefined;
    const result = await start("fix-cart", {
      publish: "ask",
      ask: async (facts) => ((held = facts), "approve"),
    });
    expect(result, told()).toMatchObject({ exitCode: 0, stage: "preview_ready" });
    expect(held?.evidence.checked.checks).toMatchObject([{ base: { outcome: "failed" }, head: { outcome: "passed" } }]);
    expect(result.costMicroUsd).toBeGreaterThan(0);
    expect(result.costMicroUsd).toBe(counted());
    expect(github.lookAt(repo).pulls).toMatchObject([{ isDraft: true, head: result.branch }]);
  });

  it("gets one more round for its red checks, on the same budget", async () => {
    const result = await start("break-then-repair");
    expect(result, told()).toMatchObject({ exitCode: 0 });
    expect(told()).toContain("fix_round");
    expect(result.costMicroUsd).toBe(counted());
  });

  it("holds a change of a protected path, whatever is wished", async () => {
    const result = await start("touch-protected");
    expect(result, told()).toMatchObject({ exitCode: 8, waitingFor: "approval" });
    expect(github.lookAt(repo).pulls).toHaveLength(0);
  });

  it("waits with its one question", async () => {
    const result = await start("ask-question");
    expect(result, told()).toMatchObject({ exitCode: 8, waitingFor: "reporter" });
    expect(result.question).toMatch(/\?/);
  });

  it("ends truthfully when the model answers 529 for ever", async () => {
    const result = await start("overloaded", { settings: { budgetMinutes: 0.1 } });
    expect(result, told()).toMatchObject({
      exitCode: 1,
      stage: "failed",
      reason: "model_unavailable",
    });
  });

  it("stops at its budget before the dear request is sent", async () => {
    const result = await start("never-ends", { budgetMicroUsd: 300_000 });
    expect(result, told()).toMatchObject({ stage: "failed", reason: "budget" });
    expect(counted()).toBeLessThanOrEqual(300_000);
  });

  it("finds neither the key nor the token, wherever a model may look", async () => {
    const result = await start("read-environment");
    const written = [
      told(),
      await readFile(join(result.runFolder, "state.json"), "utf8"),
      JSON.stringify(model?.requests.map(({ body }) => body)),
    ].join("\n");
    expect(model?.sawKey(modelKey)).toBe(true);
    for (const secret of [modelKey, token]) expect(written).not.toContain(secret);
  });
});
