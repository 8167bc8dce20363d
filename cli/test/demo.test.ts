import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processesBelow } from "@feedback-chat/testing/process-tree";
import { waitUntil } from "@feedback-chat/testing/wait-until";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { fromSource, type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

type Event = { type: string } & Record<string, unknown>;
const parse = (stdout: string): Event[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);

/** A home whose temporary folder is its own too: what is left behind there is seen. Sockets want short paths. */
function makeRoom(): Home & { left(): string[] } {
  const home = makeHome();
  const temporary = mkdtempSync(join(tmpdir(), "t-"));
  // The sandbox's own user has to get through it.
  chmodSync(temporary, 0o711);
  return {
    folder: home.folder,
    env: { ...home.env, TMPDIR: temporary },
    left: () => readdirSync(temporary).filter((name) => name.startsWith("feedback-chat-")),
    [Symbol.dispose]() {
      home[Symbol.dispose]();
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const recordingFile = new URL("../src/recordings/demo.json", import.meta.url);
const recorded = JSON.parse(readFileSync(recordingFile, "utf8")) as { moments: Event[] };
const stepsOf = (events: Event[]) => events.filter(({ type }) => type === "demo.step").map(({ step }) => step);

describe.concurrent("demo", () => {
  it("leads feedback to a pull request on real parts, and says nothing but NDJSON on stdout", async () => {
    using home = makeRoom();
    const { code, stdout, stderr } = await runCli(["demo", "--json"], home.env);
    expect(code, stderr).toBe(0);
    const events = parse(stdout);
    expect(events.at(-1)).toEqual({
      type: "demo.result",
      ok: true,
      stage: "preview_ready",
      pullRequestUrl: expect.stringMatching(/^http.*\/demo\/shop\/pull\/\d+$/),
      branch: expect.stringMatching(/^feedback\/issue-1-/),
      runId: expect.stringMatching(/^run_/),
      costMicroUsd: expect.any(Number),
      totalMs: expect.any(Number),
      withoutModelMs: expect.any(Number),
      gitDir: expect.any(String),
    });
    const result = events.at(-1) as Event & {
      totalMs: number;
      withoutModelMs: number;
      costMicroUsd: number;
      gitDir: string;
    };
    expect(result.withoutModelMs).toBeLessThan(result.totalMs);
    expect(result.costMicroUsd).toBeGreaterThan(0);
    expect(existsSync(result.gitDir)).toBe(false);
    expect(home.left()).toEqual([]);
    const held = events.find(({ type }) => type === "demo.held") as Event & {
      diff: string;
      evidence: { checked: { checks: unknown[] } };
    };
    expect(held.evidence.checked.checks).toMatchObject([{ base: { outcome: "failed" }, head: { outcome: "passed" } }]);
    expect(held.diff).toContain("line.quantity");
    expect(events.some((event) => event["text"] === "approved by demo-maintainer")).toBe(true);
    // What `--replay` plays is not of an older demo: record it again with `node scripts/record-demo.ts`.
    expect(stepsOf(events)).toEqual(stepsOf(recorded.moments));
    expect(stdout).not.toContain("sk-ant-demo-not-a-real-key");
  }, 180_000);

  it("stays up with --keep, leaves the folder with the branch in it, and ends whole at Ctrl-C", async () => {
    using home = makeRoom();
    await using demo = startCli(["demo", "--json", "--keep"], home.env);
    const [line] = await demo.said(/\{"type":"demo\.result".*\}/);
    const { gitDir, branch } = JSON.parse(line) as { gitDir: string; branch: string };
    expect((await execa("git", [`--git-dir=${gitDir}`, "symbolic-ref", "HEAD"])).stdout).toBe("refs/heads/main");
    expect((await execa("git", [`--git-dir=${gitDir}`, "rev-parse", "--is-bare-repository"])).stdout).toBe("true");
    expect((await execa("git", [`--git-dir=${gitDir}`, "rev-parse", branch])).stdout).toMatch(/^[0-9a-f]{40}$/);
    const children = (await execa("ps", ["-o", "pid=", "--ppid", String(demo.pid)])).stdout.trim().split(/\s+/);
    expect(children).toHaveLength(2);
    demo.kill("SIGINT");
    expect((await demo.ended).code).toBe(0);
    for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(gitDir)).toBe(true);
    expect(home.left()).toHaveLength(1);
  }, 180_000);

  // While the server starts, while the worker tests its walls, while the agent works, while a person is waited for.
  it.each(["model", "project", "agent", "held"])("leaves nothing behind when it is stopped after %s", async (step) => {
    using home = makeRoom();
    await using demo = startCli(["demo", "--json"], home.env);
    await demo.said(new RegExp(`"step":"${step}"`));
    const children = processesBelow(demo.pid);
    demo.kill("SIGINT");
    const { code, stderr } = await demo.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(home.left()).toEqual([]);
    for (const { pid } of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("leaves nothing behind when its terminal goes away while it asks", async () => {
    using home = makeRoom();
    const words = [...fromSource, "demo"].map((one) => `'${one}'`).join(" ");
    const env = { ...home.env, CI: "", TERM: "xterm" };
    await using terminal = startCli([], env, ["script", "-qec", words, "/dev/null"]);
    await terminal.said(/Approve it as demo-maintainer/);
    const children = processesBelow(terminal.pid);
    terminal.kill("SIGKILL");
    await terminal.ended;
    const isOver = () => children.every(({ pid }) => !existsSync(`/proc/${pid}`));
    await waitUntil("all of it ended", isOver, { seconds: 30, seen: () => children });
    expect(home.left()).toEqual([]);
  });

  it("ends in order when the reader of its events has gone", async () => {
    using home = makeRoom();
    await using demo = startCli(["demo", "--json"], home.env, ["sh", "-c", '"$@" | head -n 2', "sh", ...fromSource]);
    const { code, stdout, stderr } = await demo.ended;
    expect({ code, stderr, lines: stdout.trim().split("\n").length }).toEqual({ code: 0, stderr: "", lines: 2 });
    expect(home.left()).toEqual([]);
  });

  it("asks for a key before anything is started with --live", async () => {
    using home = makeRoom();
    const { code, stderr } = await runCli(["demo", "--live"], home.env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/ANTHROPIC_API_KEY.*not set[\s\S]*next/);
  });
});
