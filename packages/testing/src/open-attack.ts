import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Github, type NewRepository, startGithub } from "@feedback-chat/demo/github-server";
import { type ModelServer, type ScenarioInput, startModel } from "@feedback-chat/demo/model-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { filesBelow } from "./files-below.ts";
import { obeying } from "./obeying.ts";
import { type LocalRun, readLocalRun } from "./read-local-run.ts";
import { sayYes } from "./at-terminal.ts";
import { type Program, startProgram } from "./start-program.ts";

const cli = fileURLToPath(new URL("../../../cli/src/bin.ts", import.meta.url));
const fromSource = [process.execPath, "--conditions=source", "--no-warnings", cli];
const fromAgent = createRequire(new URL("../../agent/package.json", import.meta.url));
const enginePath = join(dirname(fromAgent.resolve("@anthropic-ai/claude-code/package.json")), "bin", "claude.exe");

const repo = "acme/shop";

export type Attack = Awaited<ReturnType<typeof openAttack>>;
export type AttackOptions = {
  /** Node and engine are put there once; the adversarial suite gives each file the same one. */
  dataFolder: string;
  /** The base commit; unset = the demo's shop. */
  fromFolder?: string;
  /** Files of the base commit, over those of the folder. */
  files?: NewRepository["files"];
  /** Who wrote the issue: `ada` may write, `eve` is a stranger. */
  author?: "ada" | "eve";
  issue?: { title?: string; body?: string };
  /** What the model has the engine's shell do, in the work tree, as soon as it has read the task. */
  obey?: string;
  /** More than one step of the model. */
  scenario?: string | ScenarioInput;
  /** Replaces Claude Code: for what depends on no engine. */
  engineCommand?: string[];
  /** For the command line's process. */
  env?: Record<string, string>;
};

/**
 * One attack on one repository: a local GitHub, a model that obeys the attacker, and the real command line
 * (`feedback-chat run`) with the real engine in the real sandbox. The keys are new ones, so that finding one of
 * them anywhere means a leak.
 */
export async function openAttack(options: AttackOptions) {
  const opened = new AsyncDisposableStack();
  try {
    const place = await openPlace(options, opened);
    const { github, model, env, home, gitDir, issueNumber } = place;
    const runsFolder = join(home, ".local/state/feedback-chat/runs");
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: gitDir, encoding: "latin1", maxBuffer: 256 * 1024 * 1024 });
    /** Starts the command line and gives back the process; for attacks that need it alive. */
    const start = (args: string[]): Program => opened.use(startProgram(cli, args, env));
    const ended = (program: Program) => readLocalRun(program, runsFolder);
    const atTerminal = (args: string[]) => sayYes([...fromSource, ...args], { ...env, CI: "", TERM: "xterm" });
    return {
      ...place, git, start, ended,
      /** The command line at a terminal, with a person who says yes; `said` is every byte that the terminal got. */
      atTerminal,
      /** `feedback-chat run <issue>`; publishes unless it is held or `args` say otherwise. */
      run: (args: string[] = ["--publish", "auto"]) =>
        ended(start(["run", String(issueNumber), "--repo", repo, "--json", ...args])),
      /** Goes on with a run that was held or stopped, where nobody can be asked. */
      resume: (run: LocalRun) =>
        ended(start(["run", "--resume", run.result?.runId ?? run.runFolder.split("/").at(-1) ?? "", "--publish", "auto", "--json"])),
      /** `feedback-chat run --resume` at a terminal, with a person who says yes to what is shown. */
      approve: async (run: LocalRun): Promise<LocalRun> => {
        const { code, said } = await atTerminal(["run", "--resume", run.result?.runId ?? "", "--publish", "ask"]);
        return { ...run, code, said: run.said + said };
      },
      refs: () => Object.keys(github.lookAt(repo).refs).sort(),
      pulls: () => github.lookAt(repo).pulls,
      /** Every place where something of a run is kept or shown, as bytes: ours, GitHub's, and what the model was told. */
      places: (run: LocalRun): Record<string, string> => ({
        terminal: run.said,
        ...Object.fromEntries(filesBelow(run.runFolder).map(({ path, bytes }) => [`run/${path}`, bytes.toString("latin1")])),
        "published objects": git("cat-file", "--batch-all-objects", "--batch"),
        "published names": git("for-each-ref"),
        "issues and pull requests": JSON.stringify(github.lookAt(repo)),
        "model requests": JSON.stringify(model.requests.map(({ path, body }) => [path, body])),
      }),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    }; // prettier-ignore
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function openPlace(options: AttackOptions, opened: AsyncDisposableStack) {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-attack-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  // The sandbox's own user has to get through it.
  chmodSync(folder, 0o711);
  const home = join(folder, "home");
  mkdirSync(home, { mode: 0o700 });
  const github: Github = opened.use(await startGithub({ folder: join(folder, "github") }));
  await github.createRepository({
    owner: "acme", name: "shop", fromFolder: options.fromFolder ?? shopFolder, roles: { ada: "write", eve: "read" },
    ...(options.files ? { files: options.files } : {}),
  }); // prettier-ignore
  const asked = { ...shopFeedback, ...options.issue, labels: ["auto-implement"] };
  const { number: issueNumber } = github.openIssue({ repo, author: options.author ?? "ada", ...asked });
  const modelKey = `sk-ant-api03-${randomBytes(30).toString("base64url")}`;
  const token = github.addToken({ login: "ada" });
  const scenario = options.scenario ?? (options.obey ? obeying(options.obey) : "fix-cart");
  const model: ModelServer = opened.use(await startModel({ scenario, key: modelKey }));
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    CI: "1",
    FEEDBACK_CHAT_DATA: options.dataFolder,
    FEEDBACK_CHAT_ENGINE_PATH: enginePath,
    ANTHROPIC_API_KEY: modelKey,
    ANTHROPIC_BASE_URL: model.url,
    GITHUB_TOKEN: token,
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
    ...(options.engineCommand ? { FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(options.engineCommand) } : {}),
    ...options.env,
  };
  const gitDir = join(github.folder, `${repo}.git`);
  return { folder, home, env, github, model, repo, issueNumber, gitDir, secrets: { modelKey, token } };
}
