import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ModelServer, startModel } from "@feedback-chat/demo/model-server";
import { shopFolder } from "@feedback-chat/demo/shop";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
let model: ModelServer;
const key = "sk-ant-api03-double-9f3c";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "model-double-"));
  await cp(shopFolder, join(folder, "work"), { recursive: true });
  for (const name of ["task", "home"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "task", "issue.json"), JSON.stringify({ title: "The total is wrong" }));
});
afterEach(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

type Line = {
  type: string;
  subtype?: string;
  is_error?: boolean;
  result?: string;
  total_cost_usd?: number;
};

/** The real binary, as the pipeline starts it, less the sandbox. Gives the lines that it printed. */
async function runEngine(): Promise<Line[]> {
  const { bin } = createRequire(import.meta.url)("@anthropic-ai/claude-code/package.json") as {
    bin: { claude: string };
  };
  const binary = join(
    dirname(createRequire(import.meta.url).resolve("@anthropic-ai/claude-code/package.json")),
    bin.claude,
  );
  const argv =
    "-p --output-format stream-json --verbose --setting-sources user --strict-mcp-config --no-session-persistence --tools Read,Edit,Write,Bash,Glob,Grep --dangerously-skip-permissions --max-turns 12 --model claude-sonnet-4-5";
  const env = {
    PATH: process.env["PATH"], HOME: join(folder, "home"), IS_SANDBOX: "1", ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: key,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", CLAUDE_CODE_MAX_RETRIES: "1",
  }; // prettier-ignore
  const child = spawn(binary, argv.split(" "), {
    cwd: join(folder, "work"),
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.end(`Task: ${folder}/task/issue.json. Read it first.`);
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) text += chunk as string;
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

describe("the scripted model, with the real engine", () => {
  it("has it edit the shop's cart, run the tests and end, at the price that the engine sees too", async () => {
    model = await startModel({ scenario: "fix-cart" });
    const lines = await runEngine();
    const result = lines.findLast(({ type }) => type === "result");
    expect(result).toMatchObject({
      subtype: "success",
      is_error: false,
      result: expect.stringContaining("cartTotal") as unknown,
    });
    expect(await readFile(join(folder, "work/src/cart.js"), "utf8")).toContain("priceCents * line.quantity");
    expect(JSON.stringify(lines)).toContain("a mixed cart adds up every line with its quantity");
    expect(model.requests.map(({ path, status, step }) => [path, status, step])).toEqual(
      [0, 1, 2, 3, 4].map((step) => ["/v1/messages?beta=true", 200, step]),
    );
    expect(Math.round(result!.total_cost_usd! * 1_000_000)).toBe(model.counted.costMicroUsd);
    expect(model.sawKey(key)).toBe(true);
  });

  it("is told apart by the task that the engine read", async () => {
    model = await startModel({
      scenario: "fix-cart",
      scenarioFor: (text) => (text.includes("The total is wrong") ? "ask-question" : undefined),
    });
    await runEngine();
    const question = JSON.parse(await readFile(join(folder, "task/question.json"), "utf8")) as {
      question: string;
    };
    expect(question.question).toMatch(/Which total/);
  });

  it("has it end truthfully when the provider is overloaded for ever", async () => {
    model = await startModel({ scenario: "overloaded" });
    const result = (await runEngine()).findLast(({ type }) => type === "result");
    expect(result).toMatchObject({
      is_error: true,
      result: expect.stringContaining("529") as unknown,
    });
  });
});
