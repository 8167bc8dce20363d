import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ChangedFile } from "@feedback-chat/protocol/evidence";
import { ignoring } from "../platform/ignoring.ts";
import type { RunRepository } from "../ports/git.ts";

/**
 * Makes an exported tree answer to the base commit's rules: a check such as `npm run unit` inside a script reads
 * package.json and the package manager's configuration, which may name another shell, a plugin or a whole other manager,
 * and finds its programs in `node_modules/.bin` first, where a changed `node` would be every script's: scripts, that
 * configuration and those programs are put back before anything runs.
 * Nothing has run in `folder` yet. The change itself, and the verdict on it, stay as they are.
 */
export async function restoreBaseRules(
  repository: RunRepository,
  { folder, files }: { folder: string; files: ChangedFile[] },
): Promise<string[]> {
  const restored: string[] = [];
  for (const { path, change } of files) {
    if (isYarns(path)) {
      // A yarn of another release comes with the removal of the one that the base's configuration names.
      await mkdir(dirname(join(folder, path)), { recursive: true }).catch(ignoring("EEXIST", "ENOTDIR"));
      await restoreFile(join(folder, path), await repository.readFile(repository.baseSha, path));
      restored.push(path);
      continue;
    }
    if (isProgramOfScripts(path) && change !== "deleted") {
      await restoreFile(join(folder, path), await repository.readFile(repository.baseSha, path));
      restored.push(path);
      continue;
    }
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (name !== "package.json" && !configurations.has(name)) continue;
    const base = await repository.readFile(repository.baseSha, path);
    const place = join(folder, path);
    if (name === "package.json") await restoreScripts(place, base);
    else await restoreFile(place, base);
    restored.push(path);
  }
  return restored;
}

/** What npm, yarn, pnpm and bun read wherever they are started. */
const configurations = new Set([
  ...[".npmrc", ".yarnrc", ".yarnrc.yml"],
  ...["pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs", "bunfig.toml"],
]);

/** At any depth, and whatever the case: a file system may not care for it. */
function isProgramOfScripts(path: string): boolean {
  return /(^|\/)node_modules\/\.bin\//i.test(path);
}

/** yarn itself, and its plugins. */
function isYarns(path: string): boolean {
  return /(^|\/)\.yarn\/(releases|plugins)\//i.test(path);
}

/** Where the change took the folder away too, nothing asks for the file. */
async function restoreFile(place: string, base: Uint8Array | null): Promise<void> {
  if (base) await writeFile(place, base).catch(ignoring("ENOENT", "ENOTDIR"));
  else await rm(place, { force: true });
}

/** The change's own dependencies stay; scripts are the base's, and none where the base has no such file. */
async function restoreScripts(place: string, base: Uint8Array | null): Promise<void> {
  const text = await readFile(place, "utf8").catch(ignoring("ENOENT", "ENOTDIR"));
  if (text === undefined) return;
  const head = objectOf(text);
  if (!head) return;
  const { scripts } = (base && objectOf(Buffer.from(base).toString("utf8"))) ?? {};
  const { scripts: _scripts, ...rest } = head;
  await writeFile(place, `${JSON.stringify(scripts === undefined ? rest : { ...rest, scripts }, null, 2)}\n`);
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
