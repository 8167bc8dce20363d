import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Each planted line must be refused by this rule in this file; `none` proves that the rule spares what is right. */
const planted: [file: string, code: string, rule: string][] = [
  [
    "packages/agent/src/core/import.ts",
    'import { readFileSync } from "node:fs"; export const a = readFileSync;',
    "pure-core",
  ],
  ["packages/agent/src/core/clock.ts", "export const a = () => Date.now();", "pure-core"],
  ["packages/protocol/src/date.ts", "export const a = () => new Date();", "pure-core"],
  ["packages/protocol/src/parse.ts", 'export const a = () => new Date("2026-01-01");', "none"],
  ["control-plane/src/core/random.ts", "export const a = () => Math.random();", "pure-core"],
  ["cli/src/core/network.ts", 'export const a = () => fetch("http://x");', "pure-core"],
  ["cli/src/core/process.ts", "export const a = process.argv;", "pure-core"],
  ["packages/agent/src/stages/clock.ts", "export const a = () => Date.now();", "none"],
  ["packages/agent/src/core/clock.test.ts", "export const a = () => Date.now();", "none"],
  ["control-plane/src/jobs/env.ts", 'export const a = process.env["PORT"];', "env-in-config"],
  ["control-plane/src/jobs/env-bracket.ts", 'export const a = process["env"];', "env-in-config"],
  ["control-plane/src/config.ts", 'export const a = process.env["PORT"];', "none"],
  ["cli/src/bin.ts", "export const a = process.env;", "none"],
  ["control-plane/src/jobs/zod.ts", 'import { z } from "zod"; export const a = z;', "zod-namespace"],
  ["control-plane/src/jobs/zod-type.ts", 'import type { ZodType } from "zod"; export type A = ZodType;', "none"],
  ["control-plane/src/jobs/zod-namespace.ts", 'import * as z from "zod"; export const a = z;', "none"],
  ["cli/src/commands/empty.ts", "export function a(f: () => void) { try { f(); } catch {} }", "no-silent-catch"],
  [
    "cli/src/commands/null.ts",
    "export function a(f: () => 1) { try { return f(); } catch { return null; } }",
    "no-silent-catch",
  ],
  [
    "cli/src/commands/logs.ts",
    "export function a(f: () => void, log: Console) { try { f(); } catch (e) { log.error(e); } }",
    "no-silent-catch",
  ],
  ["cli/src/commands/promise.ts", "export const a = (p: Promise<1>) => p.catch(() => undefined);", "no-silent-catch"],
  [
    "cli/src/commands/answers.ts",
    "export function a(f: () => void) { try { f(); return true; } catch { return false; } }",
    "none",
  ],
  ["cli/test/only.test.ts", 'import { it } from "vitest"; it.only("a", () => {});', "no-skipped-test"],
  ["cli/src/core/skip.test.ts", 'import { describe } from "vitest"; describe.skip("a", () => {});', "no-skipped-test"],
  ["cli/test/todo.test.ts", 'import { it } from "vitest"; it.todo("a");', "no-skipped-test"],
  ["cli/test/skip-if.test.ts", 'import { it } from "vitest"; it.skipIf(true)("a", () => {});', "no-skipped-test"],
  [
    "cli/test/sleep.test.ts",
    "export const a = async () => { await new Promise((done) => setTimeout(done, 9)); };",
    "no-sleep-in-test",
  ],
  [
    "cli/test/braces.test.ts",
    "export const a = () => new Promise<void>((done) => { setTimeout(() => done(), 9); });",
    "no-sleep-in-test",
  ],
  [
    "cli/test/timers.test.ts",
    'import { setTimeout as rest } from "node:timers/promises"; export const a = async () => { await rest(9); };',
    "no-sleep-in-test",
  ],
  [
    "cli/test/deadline.test.ts",
    'export const a = () => new Promise((_, late) => setTimeout(() => late(new Error("late")), 9));',
    "none",
  ],
  [
    "cli/test/looks.test.ts",
    "export const a = async (f: () => boolean) => { while (!f()) await new Promise((done) => setTimeout(done, 9)); };",
    "none",
  ],
];

const steps = (count: number) => "  step();\n".repeat(count);
planted.push(
  ["cli/src/commands/long.ts", `export function a(step: () => void) {\n${steps(60)}}`, "short-function"],
  ["cli/src/commands/fits.ts", `export function a(step: () => void) {\n${steps(58)}}`, "none"],
  [
    "cli/src/commands/methods.ts",
    `export const a = (step: () => void) => ({\n  b() {\n${steps(40)}  },\n  c() {\n${steps(40)}  },\n});`,
    "none",
  ],
  ["cli/test/long.test.ts", `export function a(step: () => void) {\n${steps(90)}}`, "none"],
);

describe("the house's lint rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-lint-"));
  const found = new Map<string, string[]>();

  beforeAll(() => {
    const config = JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8")) as Record<string, unknown>;
    config["jsPlugins"] = [join(root, "scripts/lint-rules/house.ts")];
    config["options"] = {}; // types need a tsconfig, and none of the planted lines is about types
    writeFileSync(join(folder, ".oxlintrc.json"), JSON.stringify(config));
    for (const [file, code] of planted) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${code}\n`);
    }
    const { stdout, stderr } = spawnSync("oxlint", ["--format", "json", "."], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    const report = JSON.parse(stdout) as {
      diagnostics: { code: string; filename: string }[];
      number_of_files: number;
    };
    expect(report.number_of_files).toBe(planted.length);
    for (const { code, filename } of report.diagnostics) {
      const rule = /^house\((.+)\)$/.exec(code)?.[1];
      if (rule) found.set(filename, [...(found.get(filename) ?? []), rule]);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(planted.map(([file, , rule]) => [file, rule] as const))("judges %s: %s", (file, rule) => {
    expect([...new Set(found.get(file))]).toEqual(rule === "none" ? [] : [rule]);
  });
});
