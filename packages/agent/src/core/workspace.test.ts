import { describe, expect, it } from "vitest";
import { workspaceMembers, workspacePatterns } from "./workspace.ts";

describe("a workspace", () => {
  it("is read from npm's, yarn's and bun's package.json", () => {
    expect(workspacePatterns({ workspaces: ["packages/*"] }, null)).toEqual(["packages/*"]);
    expect(workspacePatterns({ workspaces: { packages: ["apps/*"] } }, null)).toEqual(["apps/*"]);
    expect(workspacePatterns({ workspaces: 7 }, null)).toEqual([]);
    expect(workspacePatterns(null, null)).toEqual([]);
  });

  it.each([
    [
      "packages:\n  - apps/*\n  - 'packages/**'\n  # a comment\n  - \"!packages/old\" # gone\nallowBuilds:\n  - other\n",
    ],
    ["overrides: {}\npackages: [apps/*, 'packages/**', \"!packages/old\"]\n"],
    ["packages:\n- apps/*\n- packages/**\n- '!packages/old'\n"],
  ])("is read from pnpm's file: %j", (yaml) => {
    expect(workspacePatterns({}, yaml)).toEqual(["apps/*", "packages/**", "!packages/old"]);
  });

  it("has the folders that its patterns name, and none of a dependency", () => {
    const all = ["", "apps/web", "apps/web/deep", "packages/a", "packages/old", "apps/node_modules", "examples/x"];
    expect(workspaceMembers(["./apps/*/", "packages/**", "!packages/old"], all)).toEqual(["apps/web", "packages/a"]);
    expect(workspaceMembers([], all)).toEqual([]);
    expect(workspaceMembers(["apps/{web,api}"], all)).toEqual(["apps/web"]);
  });
});
