import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub } from "@feedback-chat/demo/github-server";
import { sandboxCheck } from "@feedback-chat/protocol/check";
import { afterAll, describe, expect, it } from "vitest";
import { fromSource, makeHome, runCli } from "./support/run-cli.ts";

const home = makeHome();
const data = mkdtempSync(join(tmpdir(), "feedback-chat-check-"));
const env = { ...home.env, FEEDBACK_CHAT_DATA: data, FEEDBACK_CHAT_ENGINE_COMMAND: '["true"]' };
afterAll(() => {
  home[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

describe("check", () => {
  it.each([[["check"]], [["check", "--sandbox", "--remote"]], [["check", "--sandbox", "--repo", "acme/shop"]]])(
    "asks what to check at %j",
    async (args) => {
      const { code, stderr } = await runCli(args, env);
      expect(code).toBe(2);
      expect(stderr).toContain("--remote");
    },
  );

  it("shows the mechanism of each limit, a line per probe, and why one was skipped", async () => {
    const { code, stdout, stderr } = await runCli(["check", "--sandbox"], env);
    expect(code, stdout + stderr).toBe(0);
    for (const limit of ["memory", "processes", "files", "disk", "processor"])
      expect(stdout).toMatch(new RegExp(`^${limit} +\\w`, "m"));
    expect(stdout).toMatch(/^sandbox +bubblewrap \d/m);
    expect(stdout).toMatch(/^ok +host_loopback .*: ECONNREFUSED$/m);
    expect(stdout).toMatch(/^skip engine_socket .*another engine is set$/m);
    expect(stderr).toMatch(/\b0 fail\b/);
  });

  it("ends with 78 and names both where neither bubblewrap nor podman can be had, also as JSON", async () => {
    const nothing = { FEEDBACK_CHAT_BWRAP_PATH: "/nowhere/bwrap", FEEDBACK_CHAT_PODMAN_PATH: "/nowhere/podman" };
    const { code, stdout } = await runCli(["check", "--sandbox", "--json"], { ...env, ...nothing });
    expect(code).toBe(78);
    const answer = JSON.parse(stdout) as { data: unknown; error: { next: string } };
    const { sandbox, checks } = sandboxCheck.parse(answer.data);
    expect(sandbox).toBeNull();
    expect(checks.filter(({ status }) => status === "fail")).toMatchObject([{ id: "walls" }]);
    expect(checks.find(({ id }) => id === "walls")?.detail).toMatch(
      /bubblewrap .*is not installed.*podman is not installed/,
    );
    expect(answer).toMatchObject({ ok: false, error: { code: "sandbox_unavailable" } });
    expect(answer.error.next).toContain("apt-get install -y bubblewrap");
  });

  it("names the container where that is the wall, or podman's own trouble where it cannot be", async () => {
    const asContainer = { ...env, FEEDBACK_CHAT_SANDBOX: "container" };
    // crun starts nothing beside a hybrid hierarchy of control groups; root may look away from it.
    const lookAway = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified; exec "$@"', "sh"];
    const isHybrid = / \/sys\/fs\/cgroup\/unified /.test(readFileSync("/proc/self/mounts", "utf8"));
    const command = isHybrid && process.getuid?.() === 0 ? [...lookAway, ...fromSource] : fromSource;
    const [json, human] = await Promise.all([
      runCli(["check", "--sandbox", "--json"], asContainer, command),
      runCli(["check", "--sandbox"], asContainer, command),
    ]);
    const answer = JSON.parse(json.stdout) as { data: unknown; error: { code: string; next: string } | null };
    const { sandbox, checks } = sandboxCheck.parse(answer.data);
    process.stderr.write(`check --sandbox by a container: ${sandbox?.version ?? checks[0]?.detail}\n`);
    if (sandbox === null) {
      expect([json.code, human.code]).toEqual([78, 78]);
      expect(answer.error).toMatchObject({ code: "sandbox_unavailable", next: expect.stringMatching(/podman|userns/) });
      expect(human.stdout).toMatch(/^FAIL walls .*podman/m);
      return;
    }
    expect([json.code, human.code], human.stdout).toEqual([0, 0]);
    expect(sandbox.mechanism).toBe("container");
    expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(human.stdout).toMatch(/^sandbox +container \d+\.\d+\.\d+, jobs run as user [1-9]/m);
    expect(human.stdout).toMatch(/^memory +\w/m);
  });

  it("ends with 78 and what to install where there is no bubblewrap", async () => {
    const { code, stdout, stderr } = await runCli(["check", "--sandbox"], {
      ...env,
      FEEDBACK_CHAT_BWRAP_PATH: "/nowhere/bwrap",
    });
    expect(code).toBe(78);
    expect(stdout).toMatch(/^FAIL walls /m);
    expect(stderr).toContain("apt-get install -y bubblewrap");
  });
});

describe("check --remote", () => {
  async function openShop() {
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-check-github-"));
    const github = await startGithub({ folder });
    await github.createRepository({
      owner: "acme",
      name: "shop",
      files: { "README.md": "A shop.\n" },
      roles: { ada: "write" },
    });
    const GITHUB_TOKEN = github.addToken({ login: "ada" });
    const remoteEnv = { ...env, GITHUB_URL: github.url, GITHUB_API_URL: github.url, GITHUB_TOKEN };
    return {
      github,
      check: async (more: Record<string, string> = {}, args: string[] = []) =>
        runCli(["check", "--remote", "--repo", "acme/shop", ...args], { ...remoteEnv, ...more }),
      async [Symbol.asyncDispose]() {
        await github.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }

  it("passes where runs can push, and changes nothing", async () => {
    await using shop = await openShop();
    const { code, stdout, stderr } = await shop.check();
    expect(code, stderr).toBe(0);
    expect(stdout).toBe("ok   branches  runs can push their branches: Runs can push feedback/issue-….\n");
    expect(new Set(shop.github.requests.map(({ method }) => method))).toEqual(new Set(["GET"]));
  });

  it("warns of a branch in the way, and says under which name runs push", async () => {
    await using shop = await openShop();
    await shop.github.pushFiles({ repo: "acme/shop", branch: "feedback", files: { "a.txt": "a" } });
    const { code, stdout, stderr } = await shop.check();
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^warn branches .*The branch feedback is in the way.* Runs push feedback-issue-…/);
    expect(stdout).toMatch(/next: Delete or rename feedback/);
  });

  it("fails with 3 where a ruleset refuses a run's push, also as JSON", async () => {
    await using shop = await openShop();
    shop.github.addRule({ repo: "acme/shop", branches: "feedback/", type: "required_signatures" });
    const { code, stdout } = await shop.check();
    expect(code).toBe(3);
    expect(stdout).toMatch(/^FAIL branches .*commits have to be signed/);
    const json = await shop.check({}, ["--json"]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      command: "check",
      ok: false,
      error: { code: "github_refused" },
      data: { repo: "acme/shop", checks: [{ id: "branches", status: "fail" }] },
    });
  });

  it("says which key is missing, and that a token does not see the repository", async () => {
    await using shop = await openShop();
    const keyless = await shop.check({ GITHUB_TOKEN: "" });
    expect([keyless.code, keyless.stderr]).toEqual([2, expect.stringContaining("GITHUB_TOKEN is not set")]);
    const blind = await shop.check({ GITHUB_TOKEN: "ghp_unknown" });
    expect(blind.code, blind.stderr).not.toBe(0);
    expect(blind.stderr).toMatch(/GitHub/);
    expect(blind.stdout).toBe("");
  });
});
