import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { running } from "./contracts/sandbox.ts";

const program = fileURLToPath(new URL("run-issue-process.ts", import.meta.url));
const repo = "acme/shop";

let dataFolder: string;
let folder: string;
let github: Github;
let environment: Record<string, string>;
let issueNumber: number;

const agent = `
  const fs = require("node:fs");
  const file = "/work/src/cart.js";
  fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("priceCents, 0)", "priceCents * line.quantity, 0)"));
`;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "agent-data-"));
  await chmod(dataFolder, 0o711);
});
afterAll(() => rm(dataFolder, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-kill-"));
  github = await startGithub({ folder: join(folder, "github") });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { ada: "write" },
  });
  ({ number: issueNumber } = github.openIssue({ repo, author: "ada", ...shopFeedback }));
  environment = {
    FEEDBACK_CHAT_DATA: dataFolder,
    XDG_STATE_HOME: join(folder, "state"),
    FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(["node", "-e", agent]),
    GITHUB_TOKEN: github.addToken({ login: "ada" }),
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
  };
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

type Line = {
  type: string;
  event?: string;
  phase?: string;
  result?: { exitCode: number; runId: string };
};
type Started = { killed: Promise<void>; kill(): void; lines: Line[] };

/** `isTime` says at which line the process is killed. */
function start(
  input: Record<string, unknown>,
  isTime: (line: Line) => boolean = () => false,
  launcher: string[] = [],
): Started {
  const [command, ...argv] = [...launcher, process.execPath, "--conditions=source", program];
  const child = spawn(command, argv, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify({ environment, input: { publish: "ask", ...input } }));
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (isTime(line)) child.kill("SIGKILL");
  });
  const killed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return { killed, kill: () => child.kill("SIGKILL"), lines };
}

async function newestRun(): Promise<string> {
  const [runId = ""] = await readdir(join(folder, "state", "feedback-chat", "runs"));
  return runId;
}

async function resumeAndExpectOnePull(): Promise<void> {
  const runId = await newestRun();
  const again = start({ resume: runId });
  await again.killed;
  const result = again.lines.find(({ type }) => type === "result")?.result;
  expect(result, JSON.stringify(again.lines)).toMatchObject({
    exitCode: 0,
    runId,
    stage: "preview_ready",
  });
  const { pulls, refs } = github.lookAt(repo);
  expect(pulls).toHaveLength(1);
  expect(Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/feedback/"))).toHaveLength(1);
  for (const place of ["jobs", "s", "runs"]) expect(await readdir(join(dataFolder, place)), place).toEqual([]);
  const state = await readFile(join(folder, "state", "feedback-chat", "runs", runId, "state.json"), "utf8");
  expect(JSON.parse(state)).toMatchObject({ stage: "preview_ready" });
}

/** The git commands that speak with that address; their remote helpers end on their own when nobody reads. */
const gitsAt = (address: string) => running(`\0--\0${address}`);

describe("kill -9 of a local run, and --resume", () => {
  it.each(["snapshot", "clone", "deps", "agent", "collect", "validate", "hold", "publish"])(
    "in %s ends in one pull request",
    async (phase) => {
      await start({ repo, issueNumber }, (line) => line.event === "phase_started" && line.phase === phase).killed;
      expect(github.lookAt(repo).pulls.length).toBeLessThanOrEqual(1);
      await resumeAndExpectOnePull();
    },
  );

  const steps = [
    { name: "the push", method: "POST", path: /git-receive-pack$/ },
    { name: "the pull request", method: "POST", path: /\/pulls$/ },
  ];
  const points = steps.flatMap((step) => (["before", "after"] as const).map((when) => ({ ...step, when })));
  it.each(points)("$when $name reached GitHub ends in one pull request", async ({ method, path, when }) => {
    const held = github.holdNext({ method, path, when });
    const run = start({ repo, issueNumber });
    await held.arrived;
    run.kill();
    await run.killed;
    held.drop();
    await resumeAndExpectOnePull();
    await vi.waitFor(() => expect(github.lookAt(repo).pulls).toHaveLength(1));
  });
});

describe("kill -9 while git waits for GitHub", () => {
  it("ends git too, which would go on writing into the mirror", async () => {
    const held = github.holdNext({ method: "POST", path: /git-upload-pack$/, when: "before" });
    const run = start({ repo, issueNumber });
    await held.arrived;
    expect(gitsAt(github.url)).toBeGreaterThan(0);
    run.kill();
    await run.killed;
    await vi.waitFor(() => expect(gitsAt(github.url)).toBe(0));
    held.drop();
    await resumeAndExpectOnePull();
  });
});

describe("a full disk", () => {
  it("is said in one sentence, and what was written stays whole", async () => {
    const stateHome = join(folder, "state");
    await mkdir(stateHome);
    const rights = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];
    const script = 'mount -t tmpfs -o size=8k tmpfs "$1" && shift && exec "$@"';
    const run = start({ repo, issueNumber }, undefined, [
      "unshare",
      ...rights,
      "--mount",
      "sh",
      "-c",
      script,
      "sh",
      stateHome,
    ]);
    await run.killed;
    expect(run.lines.at(-1), JSON.stringify(run.lines)).toMatchObject({
      type: "problem",
      code: "disk_full",
    });
    expect(github.lookAt(repo).pulls).toHaveLength(0);
  });
});
