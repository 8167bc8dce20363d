import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseRunConfig } from "../src/config.ts";
import type { LocalEvent } from "../src/coordinators/local.ts";
import { runIssue, type HeldFacts, type RunIssueInput } from "../src/run-issue.ts";

/** Node and npm are put there once: the tests share it. */
let dataFolder: string;
let folder: string;
let github: Github;
let events: LocalEvent[];
let issueNumber: number;
const repo = "acme/shop";

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "agent-data-"));
  await chmod(dataFolder, 0o711); // the sandbox's own user passes through
});
afterAll(() => rm(dataFolder, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-issue-"));
  github = await startGithub({ folder: join(folder, "github") });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { ada: "write" },
  });
  ({ number: issueNumber } = github.openIssue({ repo, author: "ada", ...shopFeedback }));
  events = [];
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

/** Agents of the `command` engine: short programs that work as one would. */
const edit = (from: string, to: string) => `{
  const file = "/work/src/cart.js";
  const text = fs.readFileSync(file, "utf8");
  if (!text.includes(${JSON.stringify(from)})) throw new Error("not there: " + text);
  fs.writeFileSync(file, text.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}));
}`;
const repair = `${edit("priceCents, 0)", "priceCents * line.quantity, 0)")} console.log("The quantity counts now.");`;
const nothing = `console.log("There is nothing to do.");`;

function configOf(script: string, environment: Record<string, string> = {}) {
  return parseRunConfig({
    FEEDBACK_CHAT_DATA: dataFolder,
    XDG_STATE_HOME: join(folder, "state"),
    FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(["node", "-e", `const fs = require("node:fs"); ${script}`]),
    GITHUB_TOKEN: github.addToken({ login: "ada" }),
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
    ...environment,
  });
}

function start(script: string, change: Partial<RunIssueInput> = {}, environment: Record<string, string> = {}) {
  return runIssue(configOf(script, environment), {
    repo,
    issueNumber,
    publish: "ask",
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    ask: async () => "approve",
    ...change,
  } as RunIssueInput);
}

function resume(runId: string, change: Partial<RunIssueInput> = {}, script = repair) {
  const input = {
    resume: runId,
    publish: "ask",
    signal: new AbortController().signal,
    ask: async () => "approve",
  } as const;
  return runIssue(configOf(script), {
    ...input,
    onEvent: (event: LocalEvent) => events.push(event),
    ...change,
  } as RunIssueInput);
}

/** What happened, for the reader of a failure. */
function told(): string {
  return events
    .map((event) =>
      event.type === "log"
        ? `  ${event.level} ${event.message}`
        : `${event.event} ${event.phase ?? ""} ${event.detail ?? ""}`,
    )
    .join("\n");
}

describe("a run on this machine", () => {
  it("repairs the shop, shows diff, checks and cost, and opens one draft pull request after a yes", async () => {
    let held: HeldFacts | undefined;
    const result = await start(repair, { ask: async (facts) => ((held = facts), "approve") });
    expect(result, told()).toMatchObject({
      exitCode: 0,
      stage: "preview_ready",
      prNumber: expect.any(Number),
    });
    expect(held?.diff).toContain("priceCents * line.quantity");
    const [check] = held?.evidence.checked.checks ?? [];
    expect(check).toMatchObject({
      name: "test",
      base: { outcome: "failed" },
      head: { outcome: "passed" },
    });
    const { pulls } = github.lookAt(repo);
    expect(pulls).toHaveLength(1);
    expect(pulls[0]).toMatchObject({ isDraft: true, head: result.branch });
  });

  it("asks nobody with auto", async () => {
    const ask = async () => expect.unreachable();
    expect(await start(repair, { publish: "auto", ask }), told()).toMatchObject({ exitCode: 0 });
  });

  it("pushes nothing while it is held, and publishes on a resumption that is approved", async () => {
    const held = await start(repair, { publish: "hold" });
    expect(held, told()).toMatchObject({
      exitCode: 8,
      stage: "validating",
      waitingFor: "approval",
    });
    expect(Object.keys(github.lookAt(repo).refs)).toEqual(["refs/heads/main"]);
    const result = await resume(held.runId);
    expect(result, told()).toMatchObject({
      exitCode: 0,
      stage: "preview_ready",
      runId: held.runId,
    });
    expect(github.lookAt(repo).pulls).toHaveLength(1);
  });

  it("ends for good with a no", async () => {
    const result = await start(repair, { ask: async () => "reject" });
    expect(result, told()).toMatchObject({ exitCode: 1, stage: "rejected", reason: "declined" });
    expect(github.lookAt(repo).pulls).toHaveLength(0);
    await expect(resume(result.runId)).rejects.toMatchObject({ code: "conflict" });
  });

  it("says what the agent said when it changed nothing", async () => {
    const result = await start(nothing);
    expect(result).toMatchObject({ exitCode: 1, stage: "failed", reason: "no_change" });
    expect(result.reasonText).toContain("There is nothing to do.");
  });

  it("starts nothing with a budget of 0", async () => {
    const result = await start(repair, { budgetMicroUsd: 0 } as Partial<RunIssueInput>);
    expect(result).toMatchObject({ exitCode: 1, stage: "failed", reason: "budget" });
    expect(told()).not.toContain("clone");
  });

  it("gives the agent one more round when its change is red", async () => {
    const half = edit("priceCents, 0)", "priceCents + 1, 0)");
    const whole = edit("priceCents + 1, 0)", "priceCents * line.quantity, 0)");
    const breakFirst = `if (fs.existsSync("/task/checks.json")) ${whole} else ${half}`;
    const result = await start(breakFirst, { publish: "auto" });
    expect(result, told()).toMatchObject({ exitCode: 0 });
    expect(told()).toContain("fix_round");
  });

  it("holds what is still red after that, whatever is wished", async () => {
    const stayRed = `fs.appendFileSync("/work/src/cart.js", "throw new Error(1);")`;
    const result = await start(stayRed, { publish: "auto" });
    expect(result, told()).toMatchObject({
      exitCode: 8,
      waitingFor: "approval",
      reason: "The project's checks are red.",
    });
  });

  it("waits with the agent's one question, and goes on with its answer", async () => {
    const ask = `
      const task = JSON.parse(fs.readFileSync("/task/issue.json", "utf8"));
      if (!task.question) fs.writeFileSync("/task/question.json", JSON.stringify({ question: "Net or gross?" }));
      else if (task.question.answer === "gross") ${edit("priceCents, 0)", "priceCents * line.quantity, 0)")}
    `;
    const waiting = await start(ask, { publish: "auto" });
    expect(waiting, told()).toMatchObject({
      exitCode: 8,
      stage: "queued",
      waitingFor: "reporter",
      question: "Net or gross?",
    });
    const result = await resume(waiting.runId, { publish: "auto", answer: async () => "gross" }, ask);
    expect(result, told()).toMatchObject({ exitCode: 0, stage: "preview_ready" });
  });

  it("stops on Ctrl-C without a child left, and can be resumed", async () => {
    const stopping = new AbortController();
    const result = await start("setInterval(() => console.log('works'), 20)", {
      signal: stopping.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.type === "log" && event.message === "works") stopping.abort();
      },
    });
    expect(result).toMatchObject({ exitCode: 130, stage: "running" });
    expect(await resume(result.runId), told()).toMatchObject({
      exitCode: 0,
      stage: "preview_ready",
    });
  });

  it("leaves no folder of the job behind", async () => {
    await start(repair, { publish: "auto" });
    for (const place of ["jobs", "s", "runs"]) expect(await readdir(join(dataFolder, place)), place).toEqual([]);
  });
});

describe("bad input of a run is one sentence", () => {
  const cases: [string, string, () => Promise<unknown>][] = [
    ["missing_key", "a missing token", () => start(repair, {}, { GITHUB_TOKEN: "" })],
    ["missing_key", "a missing model key", () => start(repair, {}, { FEEDBACK_CHAT_ENGINE_COMMAND: "" })],
    [
      "github_unreachable",
      "a GitHub that is not there",
      () => start(repair, {}, { GITHUB_API_URL: "http://127.0.0.1:9" }),
    ],
    [
      "github_access",
      "a token that GitHub does not know",
      () => start(repair, {}, { GITHUB_TOKEN: "ghp_000000000000000000000000000000000000" }),
    ],
    ["not_found", "an issue that is not there", () => start(repair, { issueNumber: 99 } as Partial<RunIssueInput>)],
    ["usage", "a repository that is no name", () => start(repair, { repo: "shop" } as Partial<RunIssueInput>)],
    [
      "sandbox_unavailable",
      "a machine without bubblewrap",
      () => start(repair, {}, { FEEDBACK_CHAT_BWRAP_PATH: "/nowhere/bwrap" }),
    ],
    ["not_found", "a run that is not there", () => resume("run_01h455vb4pex5vsknk084sn02q")],
  ];
  it.each(cases)("%s for %s", async (code, _what, act) => {
    await expect(act()).rejects.toMatchObject({ name: "Problem", code });
  });

  it("engine_missing before anything is started", async () => {
    const environment = {
      FEEDBACK_CHAT_ENGINE_COMMAND: "",
      ANTHROPIC_API_KEY: "sk-ant-test",
      FEEDBACK_CHAT_ENGINE_PATH: "/nowhere/claude",
    };
    await expect(start(repair, {}, environment)).rejects.toMatchObject({ code: "engine_missing" });
  });

  it("nothing_to_run for a closed issue", async () => {
    await github.closeIssue({ repo, number: issueNumber });
    await expect(start(repair)).rejects.toMatchObject({ code: "nothing_to_run" });
  });

  it("conflict for an issue whose run is still open", async () => {
    const { runId } = await start(repair, { publish: "hold" });
    await expect(start(repair)).rejects.toMatchObject({ code: "conflict", facts: { runId } });
  });
});
