import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { idOf } from "@feedback-chat/protocol/ids";
import { runSettings, type LeasedJob, type RunSettings } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { treeInfo } from "@feedback-chat/protocol/worker";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { composeMachine, type Machine } from "../src/compose-machine.ts";
import { parseRunConfig } from "../src/config.ts";
import { runPipeline } from "../src/pipeline.ts";
import { newUuid } from "../src/platform/new-id.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { memoryCoordinator, type MemoryCoordinator } from "./memory-coordinator.ts";
import { leasedJobOf } from "./protocol-server.ts";
import { steps, stubModel, type StubModel } from "./stub-model.ts";

const clock = systemClock();
const repo = "acme/shop";
const allPhases = ["snapshot", "clone", "deps", "agent", "collect", "validate", "hold", "publish"];

let dataFolder: string;
let folder: string;
let github: Github;
let machine: Machine;
let model: StubModel;
let coordinator: MemoryCoordinator;
let job: LeasedJob;
const runId = idOf("run", newUuid());

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "agent-data-"));
  await chmod(dataFolder, 0o711);
  model = await stubModel(steps({ text: "Go on." }));
  const environment = { FEEDBACK_CHAT_DATA: dataFolder, ANTHROPIC_BASE_URL: model.baseUrl };
  machine = await composeMachine({ clock }, parseRunConfig(environment));
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  await rm(dataFolder, { recursive: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  github = await startGithub({ folder: join(folder, "github") });
  const { id, fullName, cloneUrl } = await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { bot: "write" },
  });
  const { number } = github.openIssue({ repo, author: "ada", ...shopFeedback });
  coordinator = memoryCoordinator();
  const token = { type: "github_token", value: github.addToken({ login: "bot" }) };
  coordinator.secrets = { clone: token, publish: token };
  const snapshot = {
    ...leasedJobOf().snapshot,
    issueNumber: number,
    title: shopFeedback.title,
    body: shopFeedback.body,
  };
  job = leasedJobOf({
    issueNumber: number,
    branch: `feedback/issue-${number}-abcdef`,
    repository: { id, fullName, cloneUrl, apiUrl: github.url, isPrivate: false },
    snapshot,
  });
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

const edit = (from: string, to: string) => `{
  const file = "/work/src/cart.js";
  const text = fs.readFileSync(file, "utf8");
  if (!text.includes(${JSON.stringify(from)})) throw new Error("not there: " + text);
  fs.writeFileSync(file, text.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}));
}`;
const repair = edit("priceCents, 0)", "priceCents * line.quantity, 0)");

/** Asks the model once, then does what follows, as an engine would. */
const askModel = (then: string) => `
  const body = { model: process.env.FEEDBACK_CHAT_MODEL, max_tokens: 1000, stream: true, messages: [{ role: "user", content: "Hello" }] };
  const at = { socketPath: process.env.ANTHROPIC_UNIX_SOCKET, path: "/v1/messages", method: "POST", headers: { "content-type": "application/json" } };
  require("node:http").request(at, (answer) => answer.resume().on("end", () => {
    if (answer.statusCode !== 200) {
      console.log(JSON.stringify({ type: "result", subtype: "success", is_error: true, result: "API Error: " + answer.statusCode }));
      process.exit(1);
    }
    ${then}
  })).end(JSON.stringify(body));`;
const modelKey = { type: "anthropic_api_key", value: "sk-ant-test" };

type Attempt = {
  script?: string;
  change?: Partial<LeasedJob>;
  settings?: Partial<RunSettings>;
  signal?: AbortSignal;
  hasRoom?: boolean;
};

/** One attempt at the job, with what earlier ones left. */
function attempt({ script = "", change = {}, settings = {}, signal = new AbortController().signal, ...more }: Attempt) {
  const engineCommand = ["node", "-e", `const fs = require("node:fs"); ${script}`];
  const all = runSettings.parse({ engine: "command", engineCommand, ...settings });
  coordinator.events.length = 0;
  return runPipeline(
    {
      ...machine,
      coordinator,
      clock,
      signal,
      engine: machine.engineFor(all),
      ...(more.hasRoom === false ? { hasRoomBeside: () => false } : {}),
    },
    {
      runId,
      jobId: idOf("job", newUuid()),
      attempt: 1,
      job: { ...job, settings: all, artifacts: [...coordinator.artifacts.keys()], ...change },
      slot: 0,
      cacheFolder: join(dataFolder, "mirrors"),
      runFolder: join(folder, "run"),
    },
  );
}
const phasesSeen = () =>
  coordinator.events.filter((event) => event.startsWith("phase_started")).map((event) => event.split(" ")[1]);
const told = () => coordinator.lines.join("\n");
function kept() {
  return treeInfo.parse(JSON.parse(new TextDecoder().decode(coordinator.artifacts.get("tree.json"))));
}

describe("the pipeline", () => {
  it("walks its phases in order, from words to a draft pull request", async () => {
    const end = await attempt({ script: repair });
    expect(end, told()).toMatchObject({ kind: "published", outcome: { isDraft: true } });
    expect(phasesSeen()).toEqual(allPhases);
    expect(coordinator.events).toContain("collected collect");
    expect(kept().evidence).toMatchObject({
      checked: { checks: [{ name: "test", head: { outcome: "passed" } }] },
      done: { isUnfinished: false },
    });
  });

  it("waits for a person where the permit is refused, and publishes that very tree afterwards, without an agent", async () => {
    coordinator.permitted = new Set();
    expect(await attempt({ script: repair }), told()).toMatchObject({
      kind: "waiting",
      request: { for: "approval", resumeAt: "publish" },
    });
    const { treeId } = kept();
    coordinator.permitted.add(treeId);
    const end = await attempt({
      script: "throw new Error('no agent now')",
      change: { resumeAt: "publish" },
    });
    expect(end, told()).toMatchObject({ kind: "published" });
    expect(phasesSeen()).toEqual(["snapshot", "clone", "hold", "publish"]);
    expect(github.lookAt(repo).pulls[0]?.body).toContain("Approved by `ada`");
  });

  it("judges a kept tree again after a crash in its checks, without an agent", async () => {
    coordinator.permitted = new Set();
    await attempt({ script: repair });
    const { treeId } = kept();
    coordinator.permitted = null;
    const end = await attempt({ change: { resumeAt: "validate" } });
    expect(end, told()).toMatchObject({ kind: "published" });
    expect(phasesSeen()).toEqual(["snapshot", "clone", "deps", "validate", "hold", "publish"]);
    expect(kept()).toMatchObject({
      treeId,
      evidence: { checked: { checks: [{ head: { outcome: "passed" } }] } },
    });
  });

  it("gives a requested change the previous one to start from, and moves the same pull request on", async () => {
    const first = await attempt({ script: repair });
    const script = `
      if (!fs.readFileSync("/task/previous.diff", "utf8").includes("line.quantity")) throw new Error("no diff");
      if (JSON.parse(fs.readFileSync("/task/change-request.json", "utf8")).text !== "Say why.") throw new Error("no request");
      ${edit("priceCents * line.quantity, 0)", "priceCents * line.quantity, 0) /* each thing costs */")}`;
    const second = await attempt({ script, change: { changeRequest: "Say why." } });
    expect(second, told()).toMatchObject({ kind: "published" });
    const { pulls, refs } = github.lookAt(repo);
    expect(pulls).toHaveLength(1);
    expect(second).toMatchObject({
      outcome: { prNumber: first.kind === "published" && first.outcome.prNumber },
    });
    expect(Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/feedback/"))).toHaveLength(1);
    expect(new TextDecoder().decode(coordinator.artifacts.get("diff.patch"))).toContain("line.quantity, 0) /* each");
  });

  it("starts from the base again after a lost attempt, whatever that left", async () => {
    coordinator.permitted = new Set();
    await attempt({ script: edit("priceCents, 0)", "priceCents * 2, 0)") });
    coordinator.permitted = null;
    expect(await attempt({ script: repair }), told()).toMatchObject({ kind: "published" });
    expect(new TextDecoder().decode(coordinator.artifacts.get("diff.patch"))).not.toContain("* 2");
  });

  it("asks once: a second question is not heard", async () => {
    const script = `fs.writeFileSync("/task/question.json", JSON.stringify({ question: "Which \\u001b[31mone?" })); ${repair}`;
    const asked = await attempt({ script });
    expect(asked, told()).toEqual({
      kind: "waiting",
      request: { for: "reporter", question: "Which one?", resumeAt: "snapshot" },
    });
    const question = { text: "Which one?", answer: "The total." };
    const again = `fs.writeFileSync("/task/question.json", JSON.stringify({ question: "And now?" })); ${edit("line.quantity, 0)", "line.quantity, 0) // total")}`;
    expect(await attempt({ script: again, change: { question } }), told()).toMatchObject({
      kind: "published",
    });
  });

  it("keeps what the agent had done when its minutes were over, as unfinished", async () => {
    const end = await attempt({
      script: `${repair}; setInterval(() => console.log("more"), 100);`,
      settings: { budgetMinutes: 2 / 60 },
    });
    expect(end, told()).toMatchObject({ kind: "published" }); // this coordinator holds nothing: what it is told counts
    expect(kept().permit).toMatchObject({ isUnfinished: true });
  });

  it("ends with `budget` when its minutes are over and nothing was done", async () => {
    const end = await attempt({
      script: `setInterval(() => console.log("thinks"), 100);`,
      settings: { budgetMinutes: 2 / 60 },
    });
    expect(end, told()).toMatchObject({ kind: "failed", code: "budget" });
  });

  it("ends with `budget` when the agent's turns are used up and nothing was done", async () => {
    coordinator.secrets.model = modelKey;
    coordinator.reserve = async () => ({ reservationId: newUuid() });
    const script = askModel(`console.log('{"type":"result","subtype":"error_max_turns"}');`);
    const end = await attempt({ script, settings: { maxTurns: 1 } });
    expect(end, told()).toMatchObject({ kind: "failed", code: "budget", reason: "The run's turns are used up." });
  });

  it.each([
    ["a ceiling that nobody refused", { is_error: true, result: "API Error: 402 budget" }, "API Error: 402 budget"],
    [
      "a key that nobody refused",
      { is_error: true, api_error_status: 401, result: "API Error: 401" },
      "API Error: 401",
    ],
    ["turns that nobody counted", { subtype: "error_max_turns", result: "All used." }, "All used."],
  ])("takes the agent's words about %s for an error of the agent's", async (_what, said, reason) => {
    const line = JSON.stringify({ type: "result", subtype: "success", ...said });
    const end = await attempt({ script: `console.log(${JSON.stringify(line)}); process.exit(1);` });
    expect(end, told()).toMatchObject({ kind: "failed", code: "agent_error", reason });
  });

  it("holds the work of an agent that says it is done and is killed, as unfinished", async () => {
    const done = JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "All done." });
    coordinator.permitted = new Set();
    const script = `${repair} fs.writeSync(1, ${JSON.stringify(`${done}\n`)}); process.kill(process.pid, "SIGKILL");`;
    expect(await attempt({ script }), told()).toMatchObject({ kind: "waiting", request: { for: "approval" } });
    expect(kept().evidence.done).toMatchObject({
      isUnfinished: true,
      summary: expect.stringContaining("said that it was done, but ended with exit code 137"),
    });
  });

  it("counts what earlier attempts used: no agent without a minute left, the rest of the turns, the whole cost", async () => {
    const used = { costMicroUsd: 500_000, inputTokens: 70, outputTokens: 7, agentMs: 20 * 60_000, turns: 60 };
    const over = await attempt({ script: repair, change: { used } });
    expect(over, told()).toMatchObject({ kind: "failed", code: "budget" });
    expect(over).toMatchObject({ reason: expect.stringContaining("20 minutes are used up") });
    expect(phasesSeen()).toEqual(["snapshot", "clone", "deps"]);

    const script = `${repair} console.log("turns: " + process.env.FEEDBACK_CHAT_MAX_TURNS);`;
    const end = await attempt({ script, change: { used: { ...used, agentMs: 60_000 } } });
    expect(end, told()).toMatchObject({ kind: "published" });
    expect(told()).toContain("turns: 40");
    const { spent } = kept().evidence;
    expect(spent).toMatchObject({ costMicroUsd: 500_000, inputTokens: 70, outputTokens: 7 });
    expect(spent.agentMs).toBeGreaterThan(60_000);
    expect(spent.totalMs).toBeGreaterThanOrEqual(spent.agentMs);
    expect(github.lookAt(repo).pulls[0]?.body).toContain("0.5000 USD · 70 tokens in, 7 out");
  });

  it("gives the fix round what the first one left of the turns", async () => {
    coordinator.secrets.model = modelKey;
    coordinator.reserve = async () => ({ reservationId: newUuid() });
    const script = askModel(`
      console.log("turns: " + process.env.FEEDBACK_CHAT_MAX_TURNS);
      fs.appendFileSync("/work/src/cart.js", "throw new Error('no repair');\\n");`);
    await attempt({ script });
    expect(told()).toMatch(/turns: 100[^]*turns: 99/);
    expect(kept().evidence.spent.costMicroUsd).toBeGreaterThan(0);
    coordinator.events.length = coordinator.lines.length = 0;
    await attempt({ script, settings: { maxTurns: 1 } });
    expect(coordinator.events.join(), "no turn is left for it").not.toContain("fix_round");
  });

  it("spends no fix round on a check that fails as it did on the base, and one where it fails in another way", async () => {
    await attempt({ script: `fs.appendFileSync("/work/src/cart.js", "// no repair\\n");` });
    expect(coordinator.events.join()).not.toContain("fix_round");
    expect(kept().evidence.checked.checks).toMatchObject([
      { base: { outcome: "failed" }, head: { outcome: "failed" } },
    ]);
    await attempt({ script: `fs.appendFileSync("/work/src/cart.js", "throw new Error('worse');\\n");` });
    expect(coordinator.events).toContain("fix_round agent");
  });

  it("runs the base's checks while the agent works, if the machine has room for both", async () => {
    const onBase = (line: string) => line.startsWith("test on the base: failed");
    const stopping = new AbortController();
    const { log } = coordinator;
    coordinator.log = (level, line) => (log(level, line), onBase(line) && stopping.abort("drain"));
    const script = `setInterval(() => console.log("works"), 100);`;
    const settings = { budgetMinutes: 20 / 60 };
    expect(await attempt({ script, settings, signal: stopping.signal })).toEqual({ kind: "stopped", cause: "drain" });

    coordinator.log = log;
    coordinator.lines.length = 0;
    await attempt({ script: `${repair} console.log("is done");`, hasRoom: false });
    expect(coordinator.lines.findIndex(onBase)).toBeGreaterThan(coordinator.lines.indexOf("is done"));
  });

  it("waits where the project's day has no room and nothing was done; keeps what was done, as unfinished", async () => {
    coordinator.secrets.model = modelKey; // and its ledger has no room
    expect(await attempt({ script: askModel("") }), told()).toEqual({
      kind: "waiting",
      request: {
        for: "budget",
        reason: expect.stringContaining("The project's budget for 24 hours"),
        resumeAt: "snapshot",
      },
    });
    expect(await attempt({ script: `${repair} ${askModel("")}` }), told()).toMatchObject({ kind: "published" });
    expect(kept().permit).toMatchObject({ isUnfinished: true });
    coordinator.reserve = () =>
      Promise.reject(new Problem("budget_exceeded", "No.", { facts: { scope: "run", leftMicroUsd: 0 } }));
    expect(await attempt({ script: askModel("") }), told()).toMatchObject({
      kind: "failed",
      code: "budget",
      reason: expect.stringContaining("The run's budget"),
    });
  });

  it("ends with `resources` when the sandbox's limits ended the agent, and keeps what it had done", async () => {
    const hog = `const all = []; setInterval(() => all.push(Buffer.alloc(200e6, 1)), 10);`;
    expect(await attempt({ script: `${repair} ${hog}` }), told()).toMatchObject({ kind: "failed", code: "resources" });
    expect(new TextDecoder().decode(coordinator.artifacts.get("diff.patch"))).toContain("line.quantity");
    expect(kept().evidence.done.isUnfinished).toBe(true);
    // What it left may be beyond our limits, too: that is not why it ended.
    const tooMuch = `fs.writeFileSync("/work/big.bin", Buffer.alloc(3e6, 1)); ${hog}`;
    expect(await attempt({ script: tooMuch }), told()).toMatchObject({ kind: "failed", code: "resources" });
  }, 120_000);

  it("waits for the credential that is missing", async () => {
    coordinator.secrets = {
      ...(coordinator.secrets.clone ? { clone: coordinator.secrets.clone } : {}),
    };
    expect(await attempt({ script: repair }), told()).toMatchObject({
      kind: "waiting",
      request: { for: "credential", resumeAt: "publish" },
    });
    expect(await attempt({ settings: { engine: "claude-code" } }), told()).toMatchObject({
      kind: "waiting",
      request: { for: "credential", resumeAt: "snapshot" },
    });
  });

  it("is parked while GitHub limits its rate, and publishes without an agent when it may", async () => {
    github.failNext({
      method: "POST",
      path: /\/pulls$/,
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "retry-after": "30" },
      body: { message: "API rate limit exceeded" },
    });
    const end = await attempt({ script: repair });
    expect(end, told()).toMatchObject({
      kind: "waiting",
      request: { for: "github", untilSeconds: 30, resumeAt: "publish" },
    });
    expect(await attempt({ change: { resumeAt: "publish" } }), told()).toMatchObject({
      kind: "published",
    });
    expect(github.lookAt(repo).pulls).toHaveLength(1);
  });

  it.each(["cancelled", "lease_lost", "drain"] as const)(
    "stops in the middle of the agent when it is %s, and leaves no process",
    async (cause) => {
      const stopping = new AbortController();
      const { log } = coordinator;
      coordinator.log = (level, message) => (log(level, message), message === "works" && stopping.abort(cause));
      const startedMs = performance.now();
      const end = await attempt({
        script: `setInterval(() => console.log("works"), 50);`,
        // On the base, it runs meanwhile.
        settings: { checks: [{ name: "slow", command: ["sleep", "100"] }] },
        signal: stopping.signal,
      });
      expect(end).toEqual({ kind: "stopped", cause });
      expect(performance.now() - startedMs).toBeLessThan(20_000);
    },
  );

  it("keeps nothing of a change that holds what looks like a secret, nor of what the agent says about it", async () => {
    const secret = `ghp_${"A1b2".repeat(9)}`;
    const end = await attempt({
      script: `fs.appendFileSync("/work/src/cart.js", "// ${secret}\\n"); console.log("I wrote ${secret}");`,
    });
    expect(end, told()).toMatchObject({ kind: "failed", code: "secret_found" });
    expect([...coordinator.artifacts.keys()]).toEqual([]);
    const nothing = await attempt({ script: `console.log("I wrote nothing of ${secret}");` });
    expect(nothing).toMatchObject({ kind: "failed", code: "no_change" });
    expect(JSON.stringify([end, nothing]) + told()).not.toContain(secret);
  });

  it("blocks a secret in the change, by place and never by value", async () => {
    const secret = coordinator.secrets.publish?.value ?? "";
    const end = await attempt({
      script: `fs.appendFileSync("/work/src/cart.js", "// ${secret}\\n");`,
    });
    expect(end, told()).toMatchObject({ kind: "failed", code: "secret_found" });
    expect(JSON.stringify(end) + told()).not.toContain(secret);
    expect(JSON.stringify(end)).toContain("src/cart.js");
  });
});
