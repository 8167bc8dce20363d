import { expect, it } from "vitest";
import { cliBudget, entryPoints, judgeTarball } from "../judge-tarball.ts";
import type { Manifest, Packed } from "../pack-packages.ts";

const small: Packed = {
  name: "feedback-chat",
  version: "1.0.0",
  file: "x.tgz",
  packedBytes: 9,
  unpackedBytes: 9,
};
const cli: Manifest = { name: "feedback-chat", version: "1.0.0" };

it("lets a small command line without dependencies pass", () => {
  expect(judgeTarball(small, cli)).toEqual([]);
});

const planted: [flaw: string, packed: Packed, manifest: Manifest][] = [
  ["packedBytes", { ...small, packedBytes: cliBudget.packedBytes + 1 }, cli],
  ["unpackedBytes", { ...small, unpackedBytes: cliBudget.unpackedBytes + 1 }, cli],
  ["production dependencies: zod", small, { ...cli, dependencies: { zod: "4.6.7" } }],
  ["would run at install", small, { ...cli, scripts: { postinstall: "node x.js" } }],
  ["workspace:", small, { ...cli, name: "other", dependencies: { a: "workspace:*" } }],
  ["`source`", small, { ...cli, exports: { ".": { source: "./src/a.ts" } } }],
];
it.each(planted)("refuses a planted %s", (flaw, packed, manifest) => {
  expect(judgeTarball(packed, manifest)).toEqual([expect.stringContaining(flaw)]);
});

it("names every entry behind a star, and no chunk", () => {
  const exports = {
    "./core/*": { default: "./dist/core/*.js" },
    "./run": { default: "./dist/run.js" },
    "./package.json": "./package.json",
  };
  const files = [
    "dist/core/gate.js",
    "dist/core/gate.d.ts",
    "dist/core/deep/price.js",
    "dist/core/chunk-AB.js",
    "dist/run.js",
  ];
  expect(entryPoints({ ...cli, exports }, files)).toEqual(["./core/gate", "./core/deep/price", "./run"]);
});
