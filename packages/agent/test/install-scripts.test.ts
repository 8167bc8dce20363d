import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder, type TestFolder } from "./git/make-repository.ts";
import { openLayers } from "./open-layers.ts";
import { startPackages } from "./start-packages.ts";

const write = "require('fs').writeFileSync('ran.txt', require('os').EOL + process.env.npm_lifecycle_event)";
const reach =
  "require('net').connect(Number(process.argv[1]), '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))";

/** Packages whose install scripts leave a trace, ask for the registry, or fail. */
async function open(folder: TestFolder, installScripts: string[]) {
  const registry = await startPackages(folder, {
    listed: { postinstall: `node -e "${write}"` },
    unlisted: { postinstall: `node -e "${write}"` },
    curious: { install: `node -e "${reach}" PORT` },
    broken: { preinstall: "echo no compiler here; exit 3", install: "touch never" },
  });
  const layers = await openLayers(
    folder,
    registry.project({ scripts: { postinstall: "echo generated > node_modules/generated.txt" } }),
    {
      installScripts,
    },
  );
  return { registry, layers };
}

describe("install scripts that the project's settings allow", () => {
  let folder: TestFolder;
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    folder = makeFolder();
    opened = await open(folder, ["listed", "curious", "broken", "absent", "."]);
  });
  afterAll(async () => {
    await opened.layers[Symbol.asyncDispose]();
    await opened.registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  const modules = () => opened.layers.layers.folders[0]?.host ?? "";

  it("run for the listed packages only, after a fetch that had the registry", () => {
    expect(opened.layers.layers.isBuilt, opened.layers.layers.note ?? "").toBe(true);
    expect(opened.registry.requests.length, "the fetch had a network").toBeGreaterThan(0);
    expect(readFileSync(join(modules(), "listed/ran.txt"), "utf8").trim()).toBe("postinstall");
    expect(existsSync(join(modules(), "unlisted/package.json"))).toBe(true);
    expect(existsSync(join(modules(), "unlisted/ran.txt"))).toBe(false);
    expect(existsSync(join(modules(), "generated.txt")), "the project's own").toBe(true);
  });

  it("are named in the evidence with what came of each, and have no network", () => {
    const { installScripts, note } = opened.layers.layers;
    expect(installScripts.map(({ package: name, script, outcome }) => [name, script, outcome])).toEqual([
      ["listed", "postinstall", "ran"],
      ["curious", "install", "failed"],
      ["broken", "preinstall", "failed"],
      ["absent", "none", "failed"],
      [".", "postinstall", "ran"],
    ]);
    expect(note).toContain("broken, preinstall: Exit code 3. no compiler here");
    expect(note).toContain("absent, none: It is not installed.");
  });
});
