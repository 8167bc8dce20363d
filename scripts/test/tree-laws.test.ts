import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeTree, readSourceFiles, type SourceFile } from "../tree-laws.ts";

const root = join(import.meta.dirname, "../..");
const many = (count: number, lineCount: number): SourceFile[] =>
  Array.from({ length: count }, (_, at) => ({ path: `cli/src/core/file-${at}.ts`, lineCount }));

describe("the tree of this repository", () => {
  const files = readSourceFiles(root);

  it("is read, package by package", () => {
    for (const folder of ["packages/protocol", "packages/agent", "packages/demo", "control-plane", "cli", "scripts"]) {
      expect(files.filter(({ path }) => path.startsWith(`${folder}/`)).length, folder).toBeGreaterThanOrEqual(10);
    }
  });

  it("keeps the laws of size and names", () => {
    expect(judgeTree(files)).toEqual([]);
  });
});

describe("the laws of size and names", () => {
  const planted: [flaw: string, files: SourceFile[]][] = [
    ["an index file is a barrel", [{ path: "cli/src/core/index.ts", lineCount: 3 }]],
    ["name the noun", [{ path: "cli/src/utils/dates.ts", lineCount: 3 }]],
    ["name the noun", [{ path: "packages/agent/src/helpers.ts", lineCount: 3 }]],
    ["501 lines, at most 500", [...many(40, 90), { path: "cli/src/core/large.ts", lineCount: 501 }]],
    ["601 lines, at most 600", [{ path: "cli/test/large.test.ts", lineCount: 601 }]],
    ["201 lines, at most 200", [...many(20, 90), { path: "packages/agent/src/pipeline.ts", lineCount: 201 }]],
    ["longer than 151 lines", many(5, 151)],
    ["2 of 42 files above 300", [...many(40, 90), ...many(2, 301)]],
  ];
  it.each(planted)("refuse: %s", (flaw, files) => {
    expect(judgeTree(files).join("\n")).toContain(flaw);
  });

  it("let a tree of short files with few long ones pass", () => {
    expect(judgeTree([...many(40, 90), ...many(1, 301), { path: "cli/test/a.test.ts", lineCount: 600 }])).toEqual([]);
  });
});
