import picomatch from "picomatch";
import * as z from "zod";

const globs = z.array(z.string());
const manifest = z.object({ workspaces: z.union([globs, z.object({ packages: globs })]).optional() });

/** The patterns of a workspace's folders: those of package.json, and of pnpm's own file beside it. */
export function workspacePatterns(packageJson: unknown, pnpmWorkspace: string | null): string[] {
  const { workspaces = [] } = manifest.safeParse(packageJson).data ?? {};
  return [...(Array.isArray(workspaces) ? workspaces : workspaces.packages), ...listed(pnpmWorkspace ?? "")];
}

/** Which of these folders belong to a workspace, as its patterns say; one that begins with `!` takes folders out. */
export function workspaceMembers(patterns: readonly string[], folders: readonly string[]): string[] {
  const settings = { dot: false, maxLength: 1_024 };
  const isIn = picomatch(patterns.filter((pattern) => !pattern.startsWith("!")).map(plain), settings);
  const isOut = picomatch(
    patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => plain(pattern.slice(1))),
    settings,
  );
  const isPackage = (folder: string) => !/(^|\/)node_modules(\/|$)/.test(folder);
  return folders.filter((folder) => folder !== "" && isPackage(folder) && isIn(folder) && !isOut(folder));
}

function plain(pattern: string): string {
  return pattern.replace(/^\.?\//, "").replace(/\/+$/, "");
}

/** The items of `packages:` in pnpm-workspace.yaml, one a line or in brackets, quoted or not. */
function listed(yaml: string): string[] {
  const block = /^packages:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-.*|#.*)?\n?)*)/m.exec(yaml)?.[1] ?? "";
  const lines = [...block.matchAll(/^[ \t]*-[ \t]+(.+)$/gm)].map(([, item = ""]) => item);
  const inline = /^packages:[ \t]*\[([^\]]*)\]/m.exec(yaml)?.[1]?.split(",") ?? [];
  return [...lines, ...inline].map(unquoted).filter((item) => item !== "");
}

function unquoted(item: string): string {
  const [, double, single, bare = ""] = /^\s*(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(item) ?? [];
  return double ?? single ?? bare;
}
