import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxCheck } from "@feedback-chat/protocol/check";
import { afterAll, describe, expect, it } from "vitest";
import { makeHome, runCli } from "./support/run-cli.ts";

const home = makeHome();
const data = mkdtempSync(join(tmpdir(), "feedback-chat-check-"));
const env = { ...home.env, FEEDBACK_CHAT_DATA: data, FEEDBACK_CHAT_ENGINE_COMMAND: '["true"]' };
afterAll(() => {
  home[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

describe("check", () => {
  it("asks what to check", async () => {
    const { code, stderr } = await runCli(["check"], env);
    expect(code).toBe(2);
    expect(stderr).toContain("check --sandbox");
  });

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
    expect(checks).toMatchObject([{ id: "walls", status: "fail" }]);
    expect(checks[0]?.detail).toMatch(/bubblewrap is not installed.*podman is not installed/);
    expect(answer).toMatchObject({ ok: false, error: { code: "sandbox_unavailable" } });
    expect(answer.error.next).toContain("apt-get install -y bubblewrap");
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
