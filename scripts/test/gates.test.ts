import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judgeWithTools } from "../judge-with-tools.ts";
import type { Manifest } from "../pack-packages.ts";
import { suites } from "../suites.ts";

const root = join(import.meta.dirname, "../..");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "feedback-chat-gates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
}

/**
 * Runs the command of a gate, as the list has it, on a small tree under the repository's own configuration. The tree has
 * no node_modules: a linter that follows a link to ours would read every file of every dependency.
 */
function runGate(name: string): { status: number | null; output: string } {
  for (const file of ["tsconfig.json", ".oxfmtrc.json", "knip.json"]) cpSync(join(root, file), join(folder, file));
  const { compilerOptions } = readJson("tsconfig.base.json");
  const lint = readJson(".oxlintrc.json");
  write({
    "tsconfig.base.json": JSON.stringify({
      compilerOptions: { ...(compilerOptions as object), types: [] },
    }),
    ".oxlintrc.json": JSON.stringify({
      ...lint,
      jsPlugins: [join(root, "scripts/lint-rules/house.ts")],
    }),
    ...workspace,
  });
  const [program = "", ...args] = suites.find((suite) => suite.name === name)?.command ?? [];
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status, output: stdout + stderr };
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, file), "utf8")) as Record<string, unknown>;
}

const workspace = {
  "package.json": '{ "name": "planted-root", "private": true, "type": "module", "workspaces": ["cli"] }\n',
  "cli/package.json": '{ "name": "planted", "private": true, "type": "module" }\n',
};

describe("the gates on a planted violation", () => {
  it("types: refuses a wrong type, and passes without it", () => {
    write({ "cli/src/main.ts": "export const a: string[] = [];\n" });
    expect(runGate("types")).toMatchObject({ status: 0 });
    write({
      "cli/src/main.ts": "export const a: string[] = [];\nexport const b: string = a[0];\n",
    });
    expect(runGate("types").output).toContain("TS2322");
  });

  it("lint: refuses a wrong type too, and a promise that nobody awaits", () => {
    write({
      "cli/src/main.ts": 'export const a: string = 1;\nPromise.reject(new Error("lost"));\n',
    });
    const { status, output } = runGate("lint");
    expect(status).not.toBe(0);
    expect(output).toContain("TS2322");
    expect(output).toContain("no-floating-promises");
  });

  it("format: refuses a file that oxfmt would write otherwise", () => {
    write({ "cli/src/main.ts": "export  const a='b'\n" });
    const { status, output } = runGate("format");
    expect(status).not.toBe(0);
    expect(output).toContain("cli/src/main.ts");
  });

  it("knip: refuses a file that nobody imports, and an export that nobody uses", () => {
    write({
      "cli/src/main.ts": 'import { used } from "./part.ts";\nused();\n',
      "cli/src/part.ts": "export const used = () => 1;\nexport const unused = 2;\n",
      "cli/src/dead.ts": "export const nothing = 3;\n",
    });
    const { status, output } = runGate("knip");
    expect(status).not.toBe(0);
    expect(output).toContain("cli/src/dead.ts");
    expect(output).toMatch(/unused\s.*part\.ts/);
  });
});

describe("the tools that judge a tarball", () => {
  const entry = { types: "./dist/*.d.ts", default: "./dist/*.js" };
  const manifest: Manifest & { type: string; license: string } = {
    name: "planted",
    version: "1.0.0",
    type: "module",
    license: "MIT",
    exports: { "./*": entry },
  };
  const pack = (files: Record<string, string>): string => {
    write({ "package/package.json": JSON.stringify(manifest) });
    for (const [file, text] of Object.entries(files)) write({ [`package/${file}`]: text });
    execFileSync("tar", ["-czf", "planted.tgz", "package"], { cwd: folder });
    return join(folder, "planted.tgz");
  };

  it("let an entry with its types pass", () => {
    const file = pack({
      "dist/a.js": "export const a = 1;\n",
      "dist/a.d.ts": "export declare const a = 1;\n",
    });
    expect(judgeWithTools(file, manifest)).toEqual([]);
  });

  it("refuse an entry behind a star whose types were not built", () => {
    const file = pack({ "dist/a.js": "export const a = 1;\n" });
    expect(judgeWithTools(file, manifest).join("\n")).toMatch(/planted: (attw|publint) ended with 1/);
  });

  it("refuse an entry that is CommonJS although it says otherwise", () => {
    const file = pack({
      "dist/a.js": "module.exports = { a: 1 };\n",
      "dist/a.d.ts": "export declare const a = 1;\n",
    });
    expect(judgeWithTools(file, manifest)).not.toEqual([]);
  });
});
