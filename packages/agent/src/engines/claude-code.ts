import { stat } from "node:fs/promises";
import { join } from "node:path";
import { insidePaths } from "../core/inside-paths.ts";
import { ignoring } from "../platform/ignoring.ts";
import { installOnce, isThere, placeBinary } from "../platform/install-once.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine, EngineTask } from "../ports/engine.ts";
import type { SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { findEngine, type FindEngineDeps } from "./find-engine.ts";
import { followEngine } from "./follow-engine.ts";

export type ClaudeCodeDeps = FindEngineDeps & {
  clock: Clock;
  /** The sandbox's root folder: the program is put below it once and mounted from there. */
  rootFolder: string;
  limits?: Partial<SandboxLimits>;
};

const insideEngine = "/opt/claude-code";
const tools = "Read,Edit,Write,Bash,Glob,Grep";
const instructionsFile = "repository-instructions.md";

/** Claude Code in print mode. Every flag and variable is measured: see the comments, and the contract suite. */
export function claudeCode(deps: ClaudeCodeDeps): Engine {
  let program: { version: string; folder: string; path: string; stamp: string } | null = null;
  async function prepare() {
    // To ask a program of this size for its version takes as long as a check: once, while it is the same file.
    if (program !== null && (await isThere(program.folder)) && (await stampOf(program.path)) === program.stamp)
      return { version: program.version };
    const { path, version } = await findEngine(deps);
    const stamp = await stampOf(path);
    const folder = await installOnce(join(deps.rootFolder, "tools", `claude-code-${version}`), (draft) =>
      placeBinary(path, join(draft, "claude")),
    );
    program = { version, folder, path, stamp };
    return { version };
  }
  return {
    id: "claude-code",
    prepare,
    start(task, job) {
      if (program === null) throw new Error("prepare() comes before start()");
      return followEngine(deps, job, {
        idleSeconds: task.idleSeconds,
        resultFromExit: false,
        before: () => writeInstructions(task, job),
        spec: {
          argv: claudeArguments(task),
          env: claudeEnvironment(task),
          stdin: task.prompt, // ended after it: an open stdin costs 3 s
          hasModelSocket: true,
          readOnlyMounts: [{ host: program.folder, inside: insideEngine }],
          limits: { ...engineLimits, ...deps.limits, wallSeconds: task.wallSeconds },
        },
      });
    },
  };
}

/** Another one after an update; empty when it is gone. */
async function stampOf(path: string): Promise<string> {
  const facts = await stat(path).catch(ignoring("ENOENT", "ENOTDIR"));
  return facts ? [facts.dev, facts.ino, facts.size, facts.mtimeMs].join(" ") : "";
}

export const engineLimits: Omit<SandboxLimits, "wallSeconds"> = {
  memoryBytes: 3 * 1024 ** 3,
  processes: 1_024, // threads count too: the engine has about 40, a test runner as many
  fileBytes: 512 * 1024 ** 2,
  scratchBytes: 1024 ** 3,
};

/**
 * `--setting-sources user` with an empty HOME is a must: otherwise the repository's own settings run hooks,
 * start MCP servers and move the address that the key is sent to. The prompt is never an argument.
 */
export function claudeArguments(task: Pick<EngineTask, "model" | "maxTurns" | "repositoryInstructions">): string[] {
  return [
    `${insideEngine}/claude`,
    ...["-p", "--output-format", "stream-json", "--verbose"],
    ...["--setting-sources", "user", "--strict-mcp-config", "--no-session-persistence"],
    ...["--tools", tools, "--dangerously-skip-permissions"], // the walls are ours, not the engine's
    ...["--max-turns", String(task.maxTurns), "--model", task.model],
    ...(task.repositoryInstructions === null
      ? []
      : ["--append-system-prompt-file", `${insidePaths.task}/${instructionsFile}`]),
  ];
}

/** The traffic goes over the bound socket; the address only has to be plain http, and to exist nowhere. */
export function claudeEnvironment(task: Pick<EngineTask, "runToken" | "socketName" | "model">): Record<string, string> {
  return {
    ANTHROPIC_UNIX_SOCKET: `${insidePaths.sockets}/${task.socketName}`,
    ANTHROPIC_BASE_URL: "http://model.invalid",
    ANTHROPIC_API_KEY: task.runToken,
    // Side jobs such as titles would use a model that the run did not admit.
    ANTHROPIC_SMALL_FAST_MODEL: task.model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: task.model,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "0", // the proxy retries, and accounts for it
    CLAUDE_CODE_MAX_OUTPUT_TOKENS: "16384", // what the proxy admits
    DISABLE_AUTOUPDATER: "1",
  };
}

async function writeInstructions(task: EngineTask, job: SandboxJob): Promise<void> {
  if (task.repositoryInstructions !== null) await job.writeTask(instructionsFile, task.repositoryInstructions);
}
