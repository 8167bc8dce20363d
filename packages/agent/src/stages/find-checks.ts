import type { RunSettings } from "@feedback-chat/protocol/job";
import * as z from "zod";
import { allChecks, chooseChecks, type CheckChain, type Scripts } from "../core/choose-checks.ts";
import { folderOf, pathIn } from "../core/tree-paths.ts";
import { workspaceMembers, workspacePatterns } from "../core/workspace.ts";
import { listTree } from "../git/list-tree.ts";
import { joined, readBlobs } from "../git/read-blobs.ts";
import type { GitDeps } from "../git/run-git.ts";
import type { RunRepository } from "../ports/git.ts";
import { findInstallRoot } from "./find-install-root.ts";

export type FoundChecks = {
  /** Those that will most likely judge the change, before anybody knows what it touches. */
  likely: CheckChain[];
  /** Those that judge a change of these paths. */
  touchedBy(paths: readonly string[]): CheckChain[];
};

const packageJson = z.object({ scripts: z.record(z.string(), z.string()).optional() });
/** Of larger workspaces the checks of the root, or of the project's app, are the likely ones. */
const maxLikelyFolders = 4;
const maxMembers = 500;

/**
 * The commands that judge the change: the project's own, else the scripts of the base commit's packages. Never what
 * the diff says: a changed package.json changes nothing about how it is judged.
 */
export async function findChecks(
  deps: GitDeps,
  repository: RunRepository,
  settings: Pick<RunSettings, "checks" | "subFolder">,
): Promise<FoundChecks> {
  const appFolder = folderOf(settings.subFolder);
  if (settings.checks) {
    const own = [{ folder: appFolder, checks: settings.checks }].filter(({ checks }) => checks.length > 0);
    return { likely: own, touchedBy: () => own };
  }
  const byFolder = await readScripts(deps, repository, appFolder);
  const all = allChecks(byFolder, appFolder);
  return {
    likely: all.length <= maxLikelyFolders ? all : all.filter(({ folder }) => folder === appFolder),
    touchedBy: (paths) => chooseChecks(byFolder, { paths, appFolder }),
  };
}

/** Of the app, of the root that is installed with it, and of that root's workspace: what else lies there is not built. */
async function readScripts(
  deps: GitDeps,
  repository: RunRepository,
  appFolder: string,
): Promise<ReadonlyMap<string, Scripts>> {
  const read = async (path: string) => textOf(await repository.readFile(repository.baseSha, path));
  const root = await findInstallRoot(read, appFolder);
  const manifest = jsonOrNothing((await read(pathIn(root, "package.json"))) ?? "");
  const patterns = workspacePatterns(manifest, await read(pathIn(root, "pnpm-workspace.yaml")));
  const byFolder = new Map([[root, scriptsOf(manifest)]]);
  if (appFolder !== root)
    byFolder.set(appFolder, scriptsOf(jsonOrNothing((await read(pathIn(appFolder, "package.json"))) ?? "")));
  if (patterns.length > 0)
    for await (const { folder, manifest: of } of readMembers(deps, repository, { root, patterns }))
      byFolder.set(folder, scriptsOf(of));
  return byFolder;
}

async function* readMembers(
  deps: GitDeps,
  { gitDir, baseSha }: RunRepository,
  { root, patterns }: { root: string; patterns: string[] },
): AsyncGenerator<{ folder: string; manifest: unknown }> {
  const below = pathIn(root, "");
  const manifests = (await listTree(deps, gitDir, baseSha)).flatMap(({ path: bytes, type, mode, oid, sizeBytes }) => {
    const path = Buffer.from(bytes, "latin1").toString("utf8");
    const isManifest = type === "blob" && mode.startsWith("100") && path.endsWith("/package.json");
    if (!isManifest || sizeBytes > 1024 ** 2 || !path.startsWith(below)) return [];
    return [{ folder: path.slice(below.length, -"/package.json".length), oid }];
  });
  const members = new Set(workspaceMembers(patterns, manifests.map(({ folder }) => folder)).slice(0, maxMembers)); // prettier-ignore
  const wanted = manifests.filter(({ folder }) => members.has(folder));
  for await (const { entry, body } of readBlobs(deps, gitDir, wanted))
    yield { folder: pathIn(root, entry.folder), manifest: jsonOrNothing((await joined(body)).toString("utf8")) };
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString("utf8");
}

function scriptsOf(manifest: unknown): Scripts {
  return packageJson.safeParse(manifest).data?.scripts ?? {};
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
