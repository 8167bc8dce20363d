import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { operations } from "../scripts/openapi-operations.ts";

type Cut = { source: string; operations: Record<string, unknown>; schemas: Record<string, unknown> };

async function readCut(): Promise<{ text: string; cut: Cut }> {
  const text = await readFile(new URL("wire/openapi-operations.json", import.meta.url), "utf8");
  return { text, cut: JSON.parse(text) as Cut };
}

it("holds of GitHub's description what the script that cuts it out names, in its order, as it writes it", async () => {
  const { text, cut } = await readCut();
  expect(operations.length).toBeGreaterThan(60);
  expect(Object.keys(cut.operations)).toEqual(operations);
  expect(text).toBe(`${JSON.stringify(cut)}\n`);
  const script = await readFile(new URL("../scripts/cut-openapi.ts", import.meta.url), "utf8");
  const [, version] = /npm pack @octokit\/openapi@([\d.]+)/.exec(script) ?? [];
  expect(cut.source).toBe(`@octokit/openapi ${version}, api.github.com`);
});

it("holds each schema that is named in it, and no other", async () => {
  const { text, cut } = await readCut();
  const named = [...text.matchAll(/"\$ref":"#\/schemas\/([^"]+)"/g)].map(([, name]) => name);
  expect(new Set(Object.keys(cut.schemas))).toEqual(new Set(named));
});
