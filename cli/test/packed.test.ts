import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packPackages } from "../../scripts/pack-packages.ts";
import { processesBelow } from "@feedback-chat/testing/process-tree";
import { sayYes } from "@feedback-chat/testing/at-terminal";
import { packFalseEngine } from "./support/false-engine.ts";
import { openRegistry, type Registry } from "./support/registry.ts";
import { type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "feedback-chat-packed-"));
const opened = new AsyncDisposableStack();
let registry: Registry;
/** As the other, but with an engine of its own under the pinned version. */
let lying: Registry;
let home: Home;
let env: Record<string, string>;
/** As a person's shell would find it. */
const bin = [join(folder, "project/node_modules/.bin/feedback-chat")];
const partsFolder = join(folder, "cache/feedback-chat/parts");

/** The engine's 370 MB are not fetched again: the workspace has them. */
function enginePath(): string {
  const require = createRequire(join(root, "packages/agent/package.json"));
  return join(dirname(require.resolve("@anthropic-ai/claude-code/package.json")), "bin/claude.exe");
}

beforeAll(async () => {
  opened.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  // `npm test` has built just before, then this finds nothing to do; who runs this file alone need not think of it.
  await execa("npm", ["run", "--silent", "build"], { cwd: root });
  const packed = packPackages(root, join(folder, "tarballs"));
  registry = opened.use(await openRegistry(packed));
  lying = opened.use(await openRegistry([...packed, ...packFalseEngine(join(folder, "false"))]));
  home = opened.adopt(makeHome(), (made) => made[Symbol.dispose]());
  env = {
    ...home.env,
    XDG_CACHE_HOME: join(folder, "cache"),
    npm_config_registry: registry.url,
    npm_config_cache: join(folder, "npm-cache"),
    FEEDBACK_CHAT_ENGINE_PATH: enginePath(),
  };
  mkdirSync(join(folder, "project"));
  writeFileSync(join(folder, "project/package.json"), '{"private":true}');
  await execa("npm", ["install", "--no-audit", "--no-fund", "feedback-chat"], { cwd: join(folder, "project"), env });
}, 240_000);
afterAll(() => opened.disposeAsync());

describe("the packed command line", () => {
  it("installs alone, without a dependency or a script, and tells its version", async () => {
    const installed = readdirSync(join(folder, "project/node_modules")).filter((name) => !name.startsWith("."));
    expect(installed).toEqual(["feedback-chat"]);
    const { version } = createRequire(join(root, "cli/package.json"))("./package.json") as { version: string };
    expect(await runCli(["--version"], env, bin)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect((await runCli(["--help"], env, bin)).stdout).toMatch(/demo[\s\S]+up[\s\S]+worker[\s\S]+run/);
  });

  it("never fetches with --offline, and says what is missing and how it comes", async () => {
    const { code, stderr } = await runCli(["demo", "--offline"], env, bin);
    expect(code).toBe(1);
    expect(stderr).toMatch(/@feedback-chat\/demo@\S+ .* is not installed, and --offline forbids/);
    expect(stderr).toMatch(/next +Run once without --offline/);
    const json = await runCli(["up", "--offline", "--json", "--no-worker"], env, bin);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: "package_missing" } });
    const replayed = await runCli(["demo", "--replay", "--json"], env, bin);
    expect(replayed.stdout).toMatch(/^\{"type":"demo\.recording"[^]*\{"type":"demo\.result","ok":true.*\}\n$/);
    expect(registry.fetched).toEqual(["feedback-chat"]);
    expect(existsSync(partsFolder)).toBe(false);
  });

  it("says so when the registry cannot be reached, and leaves no half of a part", async () => {
    const cut = { ...env, npm_config_registry: "http://127.0.0.1:9", npm_config_fetch_retries: "0" };
    const { code, stderr } = await runCli(
      ["up", "--no-worker"],
      { ...cut, XDG_CACHE_HOME: join(folder, "other") },
      bin,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/@feedback-chat\/control-plane@\S+ could not be fetched: .*ECONNREFUSED/);
    expect(readdirSync(join(folder, "other/feedback-chat/parts"), { recursive: true }).filter(isPart)).toEqual([]);
  }, 60_000);

  it("leads the demo to a pull request with parts that it fetches once, after saying how large they are", async () => {
    const first = await runCli(["demo", "--json"], env, bin);
    expect(first.code, `${first.stderr}${first.stdout}`).toBe(0);
    const result = JSON.parse(first.stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(result).toMatchObject({ type: "demo.result", ok: true, stage: "preview_ready" });
    expect(existsSync(String(result["gitDir"]))).toBe(false);
    for (const part of ["demo", "agent", "control-plane"])
      expect(first.stderr).toMatch(new RegExp(`Fetching @feedback-chat/${part}@\\S+, .*: about \\d+ MB, once`));
    expect(readdirSync(partsFolder).filter((name) => name.includes(".new-"))).toEqual([]);
  }, 240_000);

  it("takes no engine whose bytes are not the pinned ones, and runs nothing of it", async () => {
    const [plain, canary] = [join(folder, "plain"), join(folder, "canary")];
    const deceived = {
      ...env,
      FEEDBACK_CHAT_ENGINE_PATH: "",
      GITHUB_TOKEN: "none",
      ANTHROPIC_API_KEY: "none",
      npm_config_registry: lying.url,
      npm_config_cache: join(folder, "cache-2"),
    };
    // Alive: who asks for the version alone gets it, and its script runs.
    mkdirSync(plain);
    writeFileSync(
      join(plain, "package.json"),
      '{"private":true,"dependencies":{"@anthropic-ai/claude-code":"2.1.329"}}',
    );
    await execa("npm", ["install", "--no-audit", "--no-fund"], { cwd: plain, env: { ...deceived, CANARY: canary } });
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);

    const run = [...bin, "run", "1", "--repo", "acme/shop"];
    const { code, said } = await sayYes(run, { ...deceived, CANARY: canary });
    expect(code, said).toBe(1);
    expect(said).toMatch(/Fetching @anthropic-ai\/claude-code@2\.1\.329, the coding agent: about 370 MB, once/);
    const drawn = said.replaceAll("\u001b[K", "<gone>");
    expect(drawn, "a bar while it lasts, gone before the next line").toMatch(/\[-+\] {3}0 %\r<gone>/);
    expect(drawn).toMatch(/ %\r<gone>[^\r\n]*error/);
    expect(said).toMatch(/other bytes for @anthropic-ai\/claude-code@2\.1\.329 than those that we pinned/);
    expect(existsSync(canary)).toBe(false);
    expect(readdirSync(partsFolder).filter((name) => name.includes("anthropic"))).toEqual([]);
  }, 120_000);

  it("starts `up` with what is there now, offline, with the dashboard in it, and leaves nothing at Ctrl-C", async () => {
    const before = registry.fetched.length;
    const data = join(home.folder, "data");
    await using up = startCli(["up", "--offline", "--port", "0", "--data", data], env, bin);
    const [, url] = await up.said(/is up: (http\S+)/);
    await up.said(/The worker is ready/);
    expect(await (await fetch(`${url}/`)).text()).toMatch(/<script[^>]+src=/);
    const children = processesBelow(up.pid);
    up.kill("SIGINT");
    const { code, stderr } = await up.ended;
    expect(code, stderr).toBe(130);
    expect(stderr).not.toContain("Fetching");
    for (const { pid } of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(registry.fetched).toHaveLength(before);
  }, 120_000);
});

/** A part's folder has the name and version of what is in it. */
function isPart(name: string | Buffer): boolean {
  return /@\d+\.\d+\.\d+/.test(String(name));
}
