import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { engineVersion, findEngine, type FindEngineDeps } from "./find-engine.ts";

const real = join(
  dirname(createRequire(import.meta.url).resolve("@anthropic-ai/claude-code/package.json")),
  "bin",
  "claude.exe",
);
let folder = "";
let deps: FindEngineDeps;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "find-engine-"));
  for (const name of ["launcher", "other", "good"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "launcher", "claude"), `#!/bin/sh\necho "${engineVersion} (Claude Code)"\n`, {
    mode: 0o755,
  });
  await symlink(process.execPath, join(folder, "other", "claude"));
  await symlink(real, join(folder, "good", "claude"));
  deps = {
    enginePath: null,
    searchPath: ["launcher", "other", "good"].map((name) => join(folder, name)).join(":"),
    cacheFolder: join(folder, "cache"),
    fetchEngine: null,
  };
});
afterAll(() => rm(folder, { recursive: true }));

it("takes the pinned version from PATH, and passes launchers and other programs by", async () => {
  expect(await findEngine(deps)).toEqual({
    path: join(folder, "good", "claude"),
    version: engineVersion,
  });
});

it("takes the user's own path, and says when no engine is there", async () => {
  expect(await findEngine({ ...deps, searchPath: "", enginePath: real })).toEqual({
    path: real,
    version: engineVersion,
  });
  for (const enginePath of [join(folder, "nothing"), join(folder, "other", "claude")]) {
    await expect(findEngine({ ...deps, enginePath })).rejects.toMatchObject({
      code: "engine_missing",
    });
  }
});

it("fetches into the cache what is nowhere, once", async () => {
  let fetched = 0;
  const fetchEngine = async (target: string) => {
    fetched++;
    await mkdir(target, { recursive: true });
    await symlink(real, join(target, "claude"));
    return join(target, "claude");
  };
  const offPath = { ...deps, searchPath: "", fetchEngine };
  for (let time = 0; time < 2; time++)
    expect((await findEngine(offPath)).path).toBe(join(folder, "cache", `claude-code-${engineVersion}`, "claude"));
  expect(fetched).toBe(1);
});

it("says that it is missing where it may not fetch (cli: no engine and offline)", async () => {
  await expect(findEngine({ ...deps, searchPath: "", cacheFolder: join(folder, "empty") })).rejects.toMatchObject({
    code: "engine_missing",
  });
});
