import { expect, it } from "vitest";
import { judgePackage } from "./judge-package.ts";

const text = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const base = { name: "shop", version: "1.0.0", scripts: { test: "node --test" }, dependencies: { a: "1" } };

it("has nothing to say about what steers nothing", () => {
  const after = { ...base, version: "2.0.0", description: "A shop", keywords: ["shop"], license: "MIT" };
  expect(judgePackage(text(base), text(after))).toEqual([]);
});

// pipeline.md, case 24
it("names new dependencies and scripts, with their lines", () => {
  const after = { ...base, scripts: { test: "node --test", postinstall: "x" }, dependencies: { a: "1", evil: "1" } };
  expect(judgePackage(text(base), text(after))).toEqual([
    { code: "scripts", line: 6, detail: "scripts: postinstall" },
    { code: "dependencies", line: 10, detail: "dependencies: evil" },
  ]);
});

it("names a script that was changed or taken away", () => {
  expect(judgePackage(text(base), text({ ...base, scripts: { test: "true" } }))).toEqual([
    { code: "scripts", line: 5, detail: "scripts: test" },
  ]);
  expect(judgePackage(text(base), text({ ...base, scripts: {} }))).toEqual([
    { code: "scripts", line: 4, detail: "scripts: test" },
  ]);
});

it.each([
  "devDependencies", "optionalDependencies", "peerDependencies", "bundledDependencies", "overrides", "resolutions", "trustedDependencies",
])("%s count as dependencies", (member) => {
  expect(judgePackage(text(base), text({ ...base, [member]: { evil: "1" } }))).toMatchObject([
    { code: "dependencies", line: 11, detail: `${member}: evil` },
  ]);
}); // prettier-ignore

it.each(["packageManager", "workspaces", "pnpm", "imports", "exports", "jest", "lint-staged", "a-tool-of-tomorrow"])(
  "%s is a setting",
  (member) => {
    expect(judgePackage(text(base), text({ ...base, [member]: "x" }))).toEqual([
      { code: "package_settings", line: 10, detail: `${member} changed` },
    ]);
  },
);

it("judges a new file like a change from nothing, and tells when one cannot be read or is gone", () => {
  expect(judgePackage(null, text(base)).map(({ code }) => code)).toEqual(["scripts", "dependencies"]);
  expect(judgePackage(text(base), "{")).toMatchObject([{ code: "package_settings", detail: "package.json cannot be read" }]);
  expect(judgePackage(text(base), null)).toMatchObject([{ code: "package_settings", detail: "package.json is deleted" }]);
}); // prettier-ignore
