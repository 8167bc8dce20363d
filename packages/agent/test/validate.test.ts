import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CheckResult } from "@feedback-chat/protocol/evidence";
import { makeRedactor } from "../src/core/redact.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { nothingNeeded, notBuilt } from "../src/stages/deps.ts";
import { collectTree } from "../src/stages/collect.ts";
import { validateTree, type ValidateInput } from "../src/stages/validate.ts";
import { makeFolder, makeRepository, put, type Content } from "./git/make-repository.ts";
import { fileDeps, openClone } from "./git/open-clone.ts";
import { openSandbox } from "./open-sandbox.ts";

const limits = {
  wallSeconds: 20,
  memoryBytes: 512e6,
  processes: 128,
  fileBytes: 64e6,
  scratchBytes: 64e6,
};

/** Commits `base`, changes it as an agent would, and lets the checks judge it in the real sandbox. */
async function judge(
  base: Record<string, Content>,
  change: Record<string, Content | null>,
  more: Partial<ValidateInput> = {},
) {
  using folder = makeFolder("agent-validate-");
  const origin = makeRepository(folder);
  origin.commit(base);
  await using repository = await openClone(folder, origin);
  const tree = folder.at("tree");
  await repository.exportTree(repository.baseSha, tree);
  for (const [path, content] of Object.entries(change)) {
    if (content === null) rmSync(join(tree, path), { recursive: true });
    else put(tree, path, content);
  }
  const { treeId, files } = await collectTree(fileDeps(), {
    repository,
    treeFolder: tree,
    runFolder: folder.at("scratch"),
    protectedPaths: [],
    redactor: makeRedactor([]),
  });
  await using opened = await openSandbox();
  const lines: string[] = [];
  const deps = {
    sandbox: opened.sandbox,
    clock: systemClock(),
    redactor: makeRedactor([{ name: "key", value: "canary-7f3a9b2c5d8e1f40" }]),
    signal: new AbortController().signal,
    log: (_: string, line: string) => void lines.push(line),
  };
  const validated = await validateTree(deps, {
    repository,
    treeId,
    files,
    settings: { checks: null, subFolder: "" },
    layers: nothingNeeded,
    job: { name: "check", slot: 1 },
    limits,
    totalSeconds: 60,
    baseChecks: null,
    ...more,
  });
  return { ...validated, lines };
}

const manifest = (scripts: Record<string, string>) => `${JSON.stringify({ name: "shop", scripts })}\n`;
const outcomes = (checks: CheckResult[]) => checks.map(({ name, base, head }) => [name, base?.outcome, head.outcome]);

describe("validateTree", () => {
  it("runs the base's scripts on base and change: red before, green after", async () => {
    const { checks, isBuilt } = await judge(
      {
        "package.json": manifest({
          test: "grep -q good app.txt",
          build: "echo built && mkdir dist",
          prebuild: "test -f app.txt",
        }),
        "app.txt": "bad\n",
      },
      { "app.txt": "good\n" },
    );
    expect(outcomes(checks)).toEqual([
      ["test", "failed", "passed"],
      ["build", "passed", "passed"],
    ]);
    expect(checks[1]?.head.outputTail).toContain("built");
    expect(checks[1]?.command).toEqual(["sh", "-c", "test -f app.txt && echo built && mkdir dist"]);
    expect(isBuilt).toBe(true);
  });

  // pipeline.md, case 22
  it("runs the base's commands even when the change rewrites scripts, npm's shell and .bin", async () => {
    const { checks, lines } = await judge(
      {
        "package.json": manifest({
          test: "node -p 'JSON.parse(require(`fs`).readFileSync(`package.json`)).scripts.unit' && sh check.sh",
          unit: "the base's",
        }),
        "check.sh": "grep -q good app.txt\n",
        "app.txt": "good\n",
      },
      {
        "package.json": manifest({ test: "true", unit: "the change's" }),
        ".npmrc": "script-shell=/work/evil\n",
        evil: { script: "#!/bin/sh\nexit 0\n" },
        "node_modules/.bin/grep": { script: "#!/bin/sh\nexit 0\n" },
        "app.txt": "bad\n",
      },
    );
    expect(outcomes(checks)).toEqual([["test", "passed", "failed"]]);
    expect(checks[0]?.head.outputTail).toContain("the base's");
    expect(lines.join("\n")).toContain("package.json");
  });

  it("puts npm's settings back where there is a place for them, and lives without where the change left none", async () => {
    const settings = "script-shell=/bin/sh\n";
    const test = "cat kept/.npmrc && test ! -e gone";
    const { checks } = await judge(
      { "package.json": manifest({ test }), "kept/.npmrc": settings, "kept/a.js": "a\n", "gone/deep/.npmrc": settings, "gone/package.json": manifest({}) },
      { "kept/.npmrc": null, "kept/a.js": "b\n", gone: null },
    );
    expect(outcomes(checks)).toEqual([["test", "failed", "passed"]]);
    expect(checks[0]?.head.outputTail).toContain("script-shell=/bin/sh");
  }); // prettier-ignore

  it("ends a check that never ends, and says so", async () => {
    const { checks } = await judge(
      { "package.json": manifest({ test: "sleep 100" }) },
      { a: "1" },
      { limits: { ...limits, wallSeconds: 1 } },
    );
    expect(outcomes(checks)).toEqual([["test", "timed_out", "timed_out"]]);
  });

  it("keeps the last 4 KiB of what was said, clean and without secrets", async () => {
    const { checks } = await judge(
      {
        "package.json": manifest({
          test: "node -e 'console.log(`x`.repeat(200000)); console.log(`\\u001b[31mred \\u001b]52;c;AAAA\\u0007canary-7f3a9b2c5d8e1f40 end`)'",
        }),
      },
      { a: "1" },
    );
    const tail = checks[0]?.head.outputTail ?? "";
    expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(4096);
    expect(tail).toContain("end");
    expect(tail).not.toContain("\u001b");
    expect(tail).not.toContain("canary");
  });

  it("has no network and sees the change as git holds it, not the agent's folder", async () => {
    const { checks } = await judge(
      {
        "package.json": manifest({
          test: "cat ignored.log 2>&1; node -e 'fetch(`http://1.1.1.1`).then(() => process.exit(9), () => process.exit(0))'",
        }),
        ".gitignore": "*.log\n",
      },
      { "ignored.log": "left by the agent", a: "1" },
    );
    expect(outcomes(checks)).toEqual([["test", "passed", "passed"]]);
    expect(checks[0]?.head.outputTail).not.toContain("left by the agent");
  });

  it("prefers the project's own commands, and reuses the base's results in a second round", async () => {
    const known: CheckResult = {
      name: "mine",
      command: ["true"],
      base: { outcome: "failed", durationMs: 1, outputTail: "before" },
      head: { outcome: "failed", durationMs: 1, outputTail: "" },
    };
    const { checks } = await judge(
      { "package.json": manifest({ test: "false" }) },
      { a: "1" },
      {
        settings: { checks: [{ name: "mine", command: ["true"] }], subFolder: "" },
        baseChecks: [known],
      },
    );
    expect(outcomes(checks)).toEqual([["mine", "failed", "passed"]]);
    expect(checks[0]?.base?.outputTail).toBe("before");
  });

  it("says truthfully that nothing was run", async () => {
    expect(await judge({ "readme.md": "x" }, { a: "1" })).toMatchObject({
      checks: [],
      note: expect.stringContaining("no scripts"),
    });
    const unbuilt = await judge(
      { "package.json": manifest({ test: "true" }) },
      { a: "1" },
      { layers: notBuilt("no lockfile") },
    );
    expect(unbuilt).toMatchObject({
      isBuilt: false,
      note: "not built: no lockfile",
      checks: [{ name: "test", head: { outcome: "not_run" } }],
    });
  });
});
