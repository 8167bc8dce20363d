import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { shopFeedback } from "@feedback-chat/demo/shop";
import type { World } from "@feedback-chat/testing/open-world";
import { execa } from "execa";
import { claudeArguments } from "../../packages/agent/src/engines/claude-code.ts";

export type BareJob = { enginePath: string; running: Set<number> };

const model = "claude-sonnet-4-5";

/**
 * The least that anybody has to do for the same result, without control plane, sandbox, proxy and judgement: clone,
 * the same engine with the same flags on the same model, the project's check on base and head, commit, push.
 */
export async function bareJob(world: World, { enginePath, running }: BareJob): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-bare-"));
  const [home, task, base, tree] = ["home", "task", "base", "tree"].map((name) => join(folder, name)) as [string, string, string, string]; // prettier-ignore
  const run = async (program: string, args: string[], { cwd = tree, isRed = false, env = {}, input = "" } = {}) => {
    const child = execa(program, args, {
      cwd, input, reject: !isRed, extendEnv: false,
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, CI: "true", ...env },
    }); // prettier-ignore
    if (child.pid) running.add(child.pid);
    try {
      const { exitCode } = await child;
      if (isRed && exitCode === 0) throw new Error(`${program} ${args.join(" ")} is green.`);
    } finally {
      if (child.pid) running.delete(child.pid);
    }
  };
  try {
    mkdirSync(home);
    mkdirSync(task);
    writeFileSync(join(task, "issue.json"), JSON.stringify(shopFeedback));
    const remote = new URL(`${world.github.url}/acme/shop.git`);
    remote.username = "x-access-token";
    remote.password = world.secrets.github;
    await run("git", ["clone", "--quiet", remote.href, tree], { cwd: folder });
    await run("git", ["worktree", "add", "--quiet", "--detach", base, "HEAD"]);
    const [, ...args] = claudeArguments({ model, maxTurns: 100, repositoryInstructions: null });
    const input = `You implement one user's feedback. Task: ${task}/issue.json. Read it first.`;
    await run(enginePath, args, { input, env: engineEnvironment(world) });
    await run("node", ["--test"], { cwd: base, isRed: true });
    await run("node", ["--test"]);
    const branch = `bare/${folder.slice(-6)}`;
    const author = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
    await run("git", [...author, "commit", "--quiet", "--all", "--message", "Multiply by the quantity"]);
    await run("git", ["push", "--quiet", "origin", `HEAD:refs/heads/${branch}`]);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** As the pipeline's engine gets it, but straight to the model; the engine refuses to be root without the first. */
function engineEnvironment({ model: { url }, secrets }: World): Record<string, string> {
  return {
    IS_SANDBOX: "1",
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: secrets.model,
    ANTHROPIC_SMALL_FAST_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "0",
    CLAUDE_CODE_MAX_OUTPUT_TOKENS: "16384",
    DISABLE_AUTOUPDATER: "1",
  };
}
