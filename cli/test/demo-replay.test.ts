import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromSource, type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

type Line = { type: string; recordedAt?: string } & Record<string, unknown>;

/** A machine with Node alone: neither bubblewrap nor podman, nor any other program, on its search path. */
function makeBareHome(): Home {
  const home = makeHome();
  for (const name of ["programs", "tmp"]) mkdirSync(join(home.folder, name));
  return { ...home, env: { ...home.env, PATH: join(home.folder, "programs"), TMPDIR: join(home.folder, "tmp") } };
}
const written = ({ folder }: Home) => readdirSync(folder, { recursive: true });

describe.concurrent("demo --replay", () => {
  it("plays the recording without a sandbox, a program or a network, says so in each line, and leaves nothing", async () => {
    using home = makeBareHome();
    const offline = ["unshare", "--user", "--map-root-user", "--net", "env", `PATH=${home.env["PATH"]}`, ...fromSource];
    const withPrograms = { ...home.env, PATH: process.env["PATH"] ?? "" };
    const { code, stdout, stderr } = await runCli(["demo", "--replay", "--json"], withPrograms, offline);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    expect(lines[0]).toMatchObject({ type: "demo.recording", text: expect.stringMatching(/^RECORDING of a real run/) });
    expect(lines.map(({ recordedAt }) => recordedAt)).toEqual(lines.map(() => lines[0]?.recordedAt));
    expect(new Set(lines.map(({ type }) => type))).toEqual(
      new Set(["demo.recording", "demo.step", "demo.event", "demo.log", "demo.cost", "demo.held", "demo.diff", "demo.pull_request", "demo.result"]),
    ); // prettier-ignore
    expect(lines.at(-1)).toMatchObject({ type: "demo.result", ok: true, gitDir: null });
    expect(written(home)).toEqual(["programs", "tmp"]);
  });

  it("shows a person steps, log, diff, evidence and the pull request's text between two labels, and gives no address", async () => {
    using home = makeBareHome();
    const { code, stdout, stderr } = await runCli(["demo", "--replay"], home.env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    const lines = stderr.trim().split("\n");
    expect(lines[0]).toMatch(/^RECORDING of a real run .* nothing of it happens on this machine\.$/);
    expect(lines.at(-1)).toMatch(/^End of the recording\./);
    const steps = lines.filter((line) => / \d+\.\d s {2}\w/.test(line));
    expect(steps.length).toBeGreaterThan(15);
    for (const step of steps) expect(step).toMatch(/^recorded /);
    for (const shown of [/│ Edit: \/work\/src\/cart\.js/, /^\+.*line\.quantity/m, /checked {2}test: failed before, passed after/, /Closes #1/])
      expect(stderr).toMatch(shown); // prettier-ignore
  });

  it("keeps its labels with --quiet", async () => {
    using home = makeBareHome();
    const { stdout, stderr } = await runCli(["demo", "--replay", "--quiet"], home.env);
    expect(stdout).toBe("");
    expect(stderr.trim().split(/\n+/)).toEqual([
      expect.stringMatching(/^RECORDING/),
      expect.stringMatching(/^End of the recording/),
    ]);
  });

  it("stops at Ctrl-C", async () => {
    using home = makeBareHome();
    await using replay = startCli(["demo", "--replay", "--json"], home.env);
    await replay.said(/"step":"model"/);
    replay.kill("SIGINT");
    const { code, stdout, stderr } = await replay.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(stdout).not.toContain("demo.result");
  });

  it("goes with neither --keep nor --live", async () => {
    using home = makeBareHome();
    for (const flag of ["--keep", "--live"]) {
      const { code, stderr } = await runCli(["demo", "--replay", flag], home.env);
      expect(code).toBe(2);
      expect(stderr).toMatch(/--replay plays a recording/);
    }
  });

  it("is what the demo names where no sandbox can be had", async () => {
    using home = makeBareHome();
    const told = await runCli(["demo"], home.env);
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/next .*bubblewrap.*feedback-chat demo --replay/);
    const json = await runCli(["demo", "--json"], home.env);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      error: { code: "sandbox_unavailable", next: expect.stringContaining("feedback-chat demo --replay") },
    });
    expect(written(home)).toEqual(["programs", "tmp"]);
  });
});
