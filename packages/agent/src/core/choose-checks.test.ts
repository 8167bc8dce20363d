import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allChecks, chooseChecks, type Scripts } from "./choose-checks.ts";

const root: Scripts = { lint: "eslint .", test: "turbo test", build: "turbo build" };
const folders = new Map<string, Scripts>([
  ["", root],
  ["packages/ui", { test: "vitest", pretest: "gen", "check-types": "tsc" }],
  ["packages/api", { test: "jest", build: "nest build" }],
  ["docs", {}],
]);
const names = (paths: string[], appFolder = "") =>
  chooseChecks(folders, { paths, appFolder }).flatMap(({ checks }) => checks.map(({ name }) => name));

describe("chooseChecks", () => {
  it("runs lint, types, tests and build in this order, each as npm would", () => {
    const scripts = {
      build: "b",
      test: "t",
      lint: "l",
      typecheck: "c",
      pretest: "before",
      posttest: "after",
      start: "s",
    };
    expect(chooseChecks(new Map([["", scripts]]), { paths: ["a.js"], appFolder: "" })).toEqual([
      {
        folder: "",
        checks: [
          { name: "lint", command: ["sh", "-c", "l"] },
          { name: "typecheck", command: ["sh", "-c", "c"] },
          { name: "test", command: ["sh", "-c", "before && t && after"] },
          { name: "build", command: ["sh", "-c", "b"] },
        ],
      },
    ]);
  });

  it("takes of each kind the script of the nearest package.json that has one", () => {
    expect(names(["packages/ui/src/a.ts"])).toEqual(["lint", "build", "packages/ui: check-types", "packages/ui: test"]);
    expect(names(["packages/api/a.ts"])).toEqual(["lint", "packages/api: test", "packages/api: build"]);
    expect(names(["README.md", "docs/a.md"])).toEqual(["lint", "test", "build"]);
  });

  it("judges every package that the change touches, once", () => {
    expect(names(["packages/ui/a.ts", "packages/ui/b.ts", "packages/api/a.ts"])).toEqual([
      "lint",
      "build",
      "packages/api: test",
      "packages/api: build",
      "packages/ui: check-types",
      "packages/ui: test",
    ]);
  });

  it("always judges the project's own app, before the packages that it uses", () => {
    expect(names(["packages/ui/a.ts"], "packages/api")).toEqual([
      "test",
      "build",
      "workspace root: lint",
      "workspace root: build",
      "packages/ui: check-types",
      "packages/ui: test",
    ]);
  });

  it("leaves out npm's empty test, and reads no inherited name as a script", () => {
    const scripts = { test: 'echo "Error: no test specified" && exit 1' };
    expect(chooseChecks(new Map([["", scripts]]), { paths: ["a"], appFolder: "" })).toEqual([]);
    expect(chooseChecks(new Map(), { paths: ["constructor/a"], appFolder: "" })).toEqual([]);
  });

  it("chooses only commands that the base commit has (property)", () => {
    const path = fc.array(fc.constantFrom("packages", "ui", "api", "docs", "a.ts", ".."), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.array(path.map((parts) => parts.join("/"))),
        fc.constantFrom("", "packages/ui"),
        (paths, appFolder) => {
          const known = allChecks(folders, appFolder);
          for (const { folder, checks } of chooseChecks(folders, { paths, appFolder })) {
            const same = known.find((chain) => chain.folder === folder)?.checks ?? [];
            for (const check of checks) expect(same).toContainEqual(check);
          }
        },
      ),
    );
  });
});
