import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const builtOrInstalled = new Set(["node_modules", "dist"]);

/** Words in backticks that look like a path from the root: they have a slash or an extension we use, no blank, no star. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([^`\s]+)`/g)].map(([, word]) => word ?? "");
  return quoted.filter(
    (word) => /^[.\w][\w./-]*$/.test(word) && (word.includes("/") || /\w[.](ts|md|json)$/.test(word)),
  );
}

/** Rooms of a package are named from its own folder, such as `src/core`. */
function isThere(path: string, rooms: readonly string[]): boolean {
  return existsSync(join(root, path)) || rooms.some((room) => existsSync(join(root, room, path)));
}

describe("AGENTS.md", () => {
  const text = readFileSync(join(root, "AGENTS.md"), "utf8");
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !builtOrInstalled.has(entry.name))
    .map((entry) => entry.name);
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}`);

  it("fits on a screen or two", () => {
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(80);
  });

  it("names only paths that exist", () => {
    const named = pathsIn(text);
    expect(named.length).toBeGreaterThan(15);
    const rooms = ["packages/agent", "control-plane", "cli"];
    // config.ts is a name that several packages have
    expect(named.filter((path) => path !== "config.ts" && !isThere(path, rooms))).toEqual([]);
  });

  it("names every top folder and every package", () => {
    const missing = [...folders, ...packages].filter(
      (folder) => folder !== "packages" && !text.includes(`\`${folder}\``),
    );
    expect(missing).toEqual([]);
  });

  it("would refuse a planted path that does not exist", () => {
    const planted = pathsIn("see `packages/nowhere/src` and `docs/adr`");
    expect(planted.filter((path) => !isThere(path, []))).toEqual(["packages/nowhere/src"]);
  });
});
