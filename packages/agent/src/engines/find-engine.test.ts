import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { engineVersion, findEngine, type FindEngineDeps } from "./find-engine.ts";

let folder = "";
let deps: FindEngineDeps;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "find-engine-"));
  deps = {
    enginePath: null,
    searchPath: `${join(folder, "old")}:${join(folder, "good")}`,
    cacheFolder: join(folder, "cache"),
    fetchEngine: null,
  };
  await program("old", "2.0.1");
  await program("good", engineVersion);
});
afterAll(() => rm(folder, { recursive: true }));

async function program(name: string, version: string): Promise<string> {
  await mkdir(join(folder, name), { recursive: true });
  const path = join(folder, name, "claude");
  await writeFile(path, `#!/bin/sh\necho "${version} (Claude Code)"\n`);
  await chmod(path, 0o755);
  return path;
}

it("takes the pinned version from PATH, and passes another by: flags differ", async () => {
  expect(await findEngine(deps)).toEqual({
    path: join(folder, "good", "claude"),
    version: engineVersion,
  });
});

it("takes the user's own path whatever its version, and says when nothing is there", async () => {
  expect(await findEngine({ ...deps, enginePath: join(folder, "old", "claude") })).toMatchObject({
    version: "2.0.1",
  });
  await expect(findEngine({ ...deps, enginePath: join(folder, "nothing") })).rejects.toMatchObject({
    code: "engine_missing",
  });
});

it("fetches into the cache what is nowhere, once", async () => {
  let fetched = 0;
  const fetchEngine = async (target: string) => (
    fetched++,
    program(target.slice(folder.length + 1), engineVersion)
  );
  const offPath = { ...deps, searchPath: "", fetchEngine };
  expect((await findEngine(offPath)).path).toBe(
    join(folder, "cache", `claude-code-${engineVersion}`, "claude"),
  );
  await findEngine(offPath);
  expect(fetched).toBe(1);
});

it("says that it is missing where it may not fetch (cli: no engine and offline)", async () => {
  await expect(
    findEngine({ ...deps, searchPath: "", cacheFolder: join(folder, "empty") }),
  ).rejects.toMatchObject({ code: "engine_missing" });
});
