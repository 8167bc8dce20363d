import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
