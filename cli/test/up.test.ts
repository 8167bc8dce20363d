import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { sedEngine } from "@feedback-chat/testing/open-world";
import { processesBelow } from "@feedback-chat/testing/process-tree";
import { chmodSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromSource, makeHome, runCli, startCli } from "./support/run-cli.ts";

/** The command with this on its stdin. */
async function pipeInto(value: string, args: string[], env: Record<string, string>): Promise<number | null> {
  const [program = "", ...first] = fromSource;
  const child = spawn(program, [...first, ...args], { env, stdio: ["pipe", "ignore", "pipe"] });
  child.stdin.end(value);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stderr = await text(child.stderr);
  expect(stderr).not.toContain(value.trim());
  return ended;
}

async function openShop(github: Github) {
  await github.createRepository({
    owner: "acme",
    name: "shop",
    fromFolder: shopFolder,
    roles: { "feedback-app": "triage", "pipeline-bot": "write" },
  });
  return github.addToken({ login: "pipeline-bot" });
}

type Made = { project: { id: string }; webhook: { url: string; secret: string } };
const dataOf = <T>(stdout: string) => (JSON.parse(stdout) as { data: T }).data;

describe("up", () => {
  it("is all that a person needs: login, project, keys, a run that is held, its approval, Ctrl-C", async () => {
    using home = makeHome();
    // The sandbox's own user has to get through it.
    chmodSync(home.folder, 0o711);
    await using github = await startGithub({ folder: join(home.folder, "github") });
    const token = await openShop(github);
    const env = {
      ...home.env,
      GITHUB_API_URL: github.url,
      GITHUB_URL: github.url,
      FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(sedEngine),
      FEEDBACK_CHAT_DATA: join(home.folder, "worker"),
    };
    const args = ["up", "--port", "0", "--data", join(home.folder, "data")];
    await using up = startCli(["--no-color", ...args], env, ["sh", "-c", 'umask 000; exec "$@"', "sh", ...fromSource]);
    await up.said(/The worker is ready/);

    const logins = join(home.folder, ".config/feedback-chat");
    expect(statSync(logins).mode & 0o777).toBe(0o700);
    expect(statSync(join(logins, "logins.json")).mode & 0o777).toBe(0o600);
    expect(statSync(join(home.folder, "data/worker-key")).mode & 0o777).toBe(0o600);

    const created = await runCli(["projects", "create", "--repo", "acme/shop", "--json"], env);
    expect(created.code, created.stderr).toBe(0);
    const { project, webhook } = dataOf<Made>(created.stdout);
    github.addHook({ repo: "acme/shop", url: webhook.url, secret: webhook.secret });
    expect(await pipeInto(`${token}\n`, ["credentials", "set", "github_token", "--stdin"], env)).toBe(0);
    expect(await pipeInto("sk-ant-test\n", ["credentials", "set", "anthropic_api_key", "--stdin"], env)).toBe(0);
    const key = await runCli(["keys", "create", "--worker"], env);
    expect(key.stdout).toMatch(/^\S{20,}\n$/);
    const listed = await runCli(["projects", "list"], env);
    expect(listed.stdout).toMatch(new RegExp(`^${project.id} +shop +acme/shop`));

    github.openIssue({ repo: "acme/shop", author: "feedback-app", ...shopFeedback });
    await up.said(/job\.claimed/);
    const followed = await runCli(["logs", "--follow"], env);
    expect(followed.code, followed.stderr).toBe(8);
    const [run] = dataOf<{ items: { id: string; waitingFor: string }[] }>(
      (await runCli(["runs", "list", "--json"], env)).stdout,
    ).items;
    expect(run).toMatchObject({ waitingFor: "approval" });
    const runId = run?.id ?? "";
    const wrong = await runCli(["runs", "action", runId, "approve", "--expect-stage", "running"], env);
    expect(wrong).toMatchObject({ code: 6, stderr: expect.stringContaining("validating") });
    const approved = await runCli(["runs", "action", runId, "approve"], env);
    expect(approved.code, approved.stderr).toBe(0);
    const end = await runCli(["logs", runId, "--follow"], env);
    expect(end, end.stderr).toMatchObject({ code: 0 });
    const shown = await runCli(["runs", "show", runId], env);
    expect(shown.stdout).toMatch(/stage preview_ready[\s\S]*approved .* owner/);
    expect(github.lookAt("acme/shop").pulls).toHaveLength(1);

    const children = processesBelow(up.pid);
    expect(children.length).toBeGreaterThan(1);
    up.kill("SIGINT");
    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(130);
    for (const { pid } of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(stdout).toMatch(/^First login, shown this once: owner@example\.com +password \S{16}\n$/);

    // The second start shows no login, and this machine still has one, on the new port.
    await using again = startCli(args, env);
    await again.said(/The worker is ready/);
    expect((await runCli(["runs", "list"], env)).stdout).toContain(runId);
    again.kill("SIGTERM");
    const second = await again.ended;
    expect(second).toMatchObject({ code: 143, stdout: "" });
  }, 180_000);
});
