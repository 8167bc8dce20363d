import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CheckResult } from "@feedback-chat/protocol/evidence";
import { makeRedactor } from "../src/core/redact.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { type Layers, nothingNeeded, notBuilt } from "../src/stages/deps.ts";
import { collectTree } from "../src/stages/collect.ts";
import { startBaseChecks } from "../src/stages/base-checks.ts";
import { findChecks } from "../src/stages/find-checks.ts";
import { validateTree } from "../src/stages/validate.ts";
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

type More = {
  settings?: Parameters<typeof findChecks>[2];
  layers?: Layers;
  limits?: typeof limits;
};

/** Commits `base`, changes it as an agent would, and lets the checks judge it in the real sandbox. */
async function judge(
  base: Record<string, Content>,
  change: Record<string, Content | null>,
  { settings = { checks: null, subFolder: "" }, ...more }: More = {},
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
  const found = await findChecks(fileDeps(), repository, settings);
  const common = {
    repository,
    layers: nothingNeeded,
    job: { name: "check", slot: 1 },
    limits,
    totalSeconds: 60,
    ...more,
  };
  const kept = { folder: folder.at("kept"), repositoryId: 7 };
  await using bench = startBaseChecks(deps, { ...common, likely: [], kept });
  const { checked, ownFaults } = await validateTree(deps, { ...common, treeId, files, found, base: bench });
  return { ...checked, ownFaults, lines };
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

  it.each([
    ".yarnrc",
    ".yarnrc.yml",
    "bunfig.toml",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    ".yarn/plugins/one.cjs",
    ".yarn/releases/yarn-4.cjs",
  ])("puts the base's %s back, changed or removed, and takes a new one away", async (path) => {
    const base = {
      "package.json": manifest({ test: `cat ${path}; ls -A other` }),
      [path]: "the base's\n",
      "other/a.js": "a\n",
    };
    for (const changed of ["the change's\n", null]) {
      const { checks } = await judge(base, {
        [path]: changed,
        "other/a.js": "b\n",
        [`other/${path}`]: "the change's\n",
      });
      expect(checks[0]?.head.outputTail).toContain("the base's");
      expect(checks[0]?.head.outputTail).not.toContain("the change's");
      expect(checks[0]?.head.outputTail).not.toMatch(/^\.(yarnrc|pnpmfile)|^bunfig|^pnpm-w/m);
    }
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

  it("prefers the project's own commands", async () => {
    const settings = { checks: [{ name: "mine", command: ["true"] }], subFolder: "" };
    const { checks } = await judge({ "package.json": manifest({ test: "false" }) }, { a: "1" }, { settings });
    expect(outcomes(checks)).toEqual([["mine", "passed", "passed"]]);
  });

  const workspace = {
    "package.json": `${JSON.stringify({ workspaces: ["packages/*"], scripts: { lint: "test ! -e bad", test: "false" } })}\n`,
    "packages/ui/package.json": manifest({ test: "cat mark && test -e package.json -a ! -e ../../packages/ui/broken" }),
    "packages/ui/mark": "of ui\n",
    "packages/api/package.json": manifest({ test: "echo of api", build: "echo builds" }),
    "examples/x/package.json": manifest({ test: "false" }),
  };

  it("judges by the packages that the change touches, and by the root for what they have no script for", async () => {
    const { checks, ownFaults } = await judge(workspace, { "packages/ui/broken": "1" });
    expect(outcomes(checks)).toEqual([
      ["lint", "passed", "passed"],
      ["packages/ui: test", "passed", "failed"],
    ]);
    expect(checks[1]?.head.outputTail).toBe("of ui\n");
    expect(ownFaults).toEqual(["packages/ui: test"]);
  });

  it("counts a check as failed whose folder the change removed, also where a file stands in its place", async () => {
    const gone = "The change removed packages/ui, where this check runs.";
    const removed = Object.fromEntries(
      Object.keys(workspace).flatMap((path) => (path.startsWith("packages/ui/") ? [[path, null]] : [])),
    );
    const { checks, ownFaults } = await judge(workspace, removed);
    expect(checks.find(({ name }) => name === "packages/ui: test")?.head).toMatchObject({
      outcome: "failed",
      outputTail: gone,
    });
    expect(ownFaults).toContain("packages/ui: test");
  });

  it("counts no folder outside the workspace as a package", async () => {
    const { checks } = await judge(workspace, { "examples/x/a": "1", bad: "1" });
    expect(outcomes(checks)).toEqual([
      ["lint", "passed", "failed"],
      ["test", "failed", "failed"],
    ]);
  });

  it("always judges the project's app, with the lockfile of the workspace around it", async () => {
    const settings = { checks: null, subFolder: "packages/api" };
    const { checks } = await judge({ ...workspace, "package-lock.json": "{}" }, { "packages/ui/a": "1" }, { settings });
    expect(outcomes(checks)).toEqual([
      ["test", "passed", "passed"],
      ["build", "passed", "passed"],
      ["workspace root: lint", "passed", "passed"],
      ["packages/ui: test", "passed", "passed"],
    ]);
  });

  it("does not blame the change for what failed on the base for the same reason", async () => {
    const test = "echo '× old 3ms'; if [ -e broken ]; then echo '× new 1ms'; fi; exit 1";
    const base = { "package.json": manifest({ test }) };
    const same = await judge(base, { a: "1" });
    expect(outcomes(same.checks)).toEqual([["test", "failed", "failed"]]);
    expect(same.ownFaults).toEqual([]);
    expect(same.lines).toContain("test fails on the change as it did on the base commit.");
    expect((await judge(base, { broken: "1" })).ownFaults).toEqual(["test"]);
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
