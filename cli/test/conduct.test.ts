import { once } from "node:events";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { openWorld, type World } from "@feedback-chat/testing/open-world";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../src/program.ts";
import { fromSource, makeHome, runCli } from "./support/run-cli.ts";

let world: World;
let env: Record<string, string>;
const home = makeHome();
beforeAll(async () => {
  world = await openWorld({ databaseUrl: process.env["TEST_DATABASE_URL"] });
  env = {
    ...home.env,
    FEEDBACK_CHAT_URL: world.tap.url,
    FEEDBACK_CHAT_TOKEN: world.token,
    FEEDBACK_CHAT_PROJECT: world.projectId,
  };
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

describe("--help", () => {
  it.concurrent.each(["", ...commands.map(({ name }) => name)])(
    "of `%s` fits 80 columns and starts nothing",
    async (name) => {
      const { code, stdout, stderr } = await runCli([...name.split(" ").filter(Boolean), "--help"], home.env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: feedback-chat/);
      for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
      expect(existsSync(`${home.folder}/.config`)).toBe(false);
    },
  );
});

describe("a command line that is wrong", () => {
  it.concurrent.each([
    { args: ["rnus"], says: /unknown command 'rnus'/ },
    { args: ["demo", "--kepe"], says: /unknown option '--kepe'[\s\S]*--keep/ },
    { args: ["runs", "show"], says: /missing required argument 'run'/ },
    { args: ["runs", "action", "run_x", "praise"], says: /The actions are retry/ },
    { args: ["logs", "run_x", "--level", "loud"], says: /--level is one of/ },
    { args: ["logs", "run_x", "--tail", "few"], says: /--tail is a whole number/ },
    { args: ["run", "first"], says: /"first" is no issue number/ },
    { args: ["run", "1", "--budget", "much"], says: /--budget is an amount in dollars/ },
    { args: ["up", "--port", "many"], says: /--port is .*"many"/ },
    { args: ["worker", "--concurrency", "all"], says: /--concurrency is .*"all"/ },
    { args: ["worker", "--drain-timeout", "soon"], says: /--drain-timeout is .*"soon"/ },
  ])("ends with 2 and says what: $args", async ({ args, says }) => {
    const { code, stderr } = await runCli(args, { ...env, FEEDBACK_CHAT_WORKER_KEY: "fcw_x" });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) });
    expect(stderr).toMatch(/next /);
  });
});

describe("--json", () => {
  const failing = { FEEDBACK_CHAT_URL: "http://127.0.0.1:9", FEEDBACK_CHAT_TOKEN: "fcu_x" };
  it.concurrent.each([
    { args: ["runs", "list"], given: {}, error: { code: "unauthenticated" }, code: 4 },
    { args: ["runs", "show", "run_x"], given: failing, error: { code: "network" }, code: 7 },
    { args: ["projects", "create"], given: failing, error: { code: "usage" }, code: 2 },
    { args: ["logs"], given: { ...failing, FEEDBACK_CHAT_PROJECT: "prj_x" }, error: { code: "network" }, code: 7 },
    { args: ["run", "1", "--repo", "acme/shop"], given: {}, error: { code: "missing_key" }, code: 2 },
    { args: ["worker"], given: {}, error: { code: "missing_key" }, code: 2 },
    { args: ["demo", "--live"], given: {}, error: { code: "missing_key" }, code: 2 },
    { args: ["no-such"], given: {}, error: { code: "usage" }, code: 2 },
  ])("tells the failure of $args as one object, and nothing else", async ({ args, given, error, code }) => {
    const ran = await runCli([...args, "--json"], { ...home.env, ...given });
    expect(ran).toMatchObject({ code, stderr: "" });
    const told = JSON.parse(ran.stdout) as { error: { detail: string; next: string } };
    expect(told).toMatchObject({ schemaVersion: 1, ok: false, data: null, error, warnings: [] });
    expect(told.error.detail).toMatch(/\w+ .*\w/);
    expect(told.error.next).toMatch(/\w+ .*\w/);
  });

  it("tells success as one object", async () => {
    const { code, stdout, stderr } = await runCli(["projects", "list", "--json"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, command: "projects list", ok: true, error: null });
  });
});

/** As on a terminal: `script` gives the program one, and writes what comes out of it. */
const onTerminal = (args: string[], extra: Record<string, string>) =>
  execa("script", ["-qec", [...fromSource, ...args].map((one) => `'${one}'`).join(" "), "/dev/null"], {
    env: { ...env, TERM: "xterm", ...extra },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });

describe("on a terminal and elsewhere", () => {
  it("uses colours on a terminal only, and never with NO_COLOR, TERM=dumb or --no-color", async () => {
    const args = ["runs", "show", "run_x"];
    expect((await onTerminal(args, {})).stdout).toContain("\u001b[31merror");
    expect((await onTerminal(args, { NO_COLOR: "1" })).stdout).not.toContain("\u001b");
    expect((await onTerminal(args, { TERM: "dumb" })).stdout).not.toContain("\u001b");
    expect((await onTerminal([...args, "--no-color"], {})).stdout).not.toContain("\u001b");
    expect((await runCli(args, env)).stderr).not.toContain("\u001b");
  });

  it("asks for a secret on a terminal only, else names the flag at once", async () => {
    const { code, stderr } = await runCli(["credentials", "set", "github_token"], env);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/give --stdin/) });
  });

  it("ends quietly with 0 when the reader has gone", async () => {
    const [program = "", ...first] = fromSource;
    const child = spawn(program, [...first, "projects", "list"], { env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});
