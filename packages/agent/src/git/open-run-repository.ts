import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunRepository } from "../ports/git.ts";
import { exportTree, plainAttributes } from "./export-tree.ts";
import type { MirrorAnswer } from "./mirror-cache.ts";
import { runGit, tryGit, type GitDeps } from "./run-git.ts";

/**
 * Makes the GIT_DIR of one run from a locked mirror. Packs are hard links (copies across file systems): they are
 * never changed in place, so neither a remade mirror nor another run can touch what this run reads.
 */
export async function openRunRepository(deps: GitDeps, mirror: MirrorAnswer, gitDir: string): Promise<RunRepository> {
  await rm(gitDir, { recursive: true, force: true });
  // What `git init` and `git update-ref` would write, without starting either.
  for (const folder of ["objects/info", "refs/heads", "refs/feedback-chat", "info"])
    await mkdir(join(gitDir, folder), { recursive: true });
  for (const [name, content] of Object.entries(filesOf(mirror))) await writeFile(join(gitDir, name), content);
  await linkPacks(join(mirror.mirrorDir, "objects/pack"), join(gitDir, "objects/pack"));
  return runRepository(deps, { gitDir, baseSha: mirror.baseSha, baseRef: mirror.baseRef });
}

function filesOf({ baseSha }: MirrorAnswer): Record<string, string> {
  return {
    HEAD: "ref: refs/heads/main\n",
    config: "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
    shallow: `${baseSha}\n`,
    "info/attributes": plainAttributes,
    "refs/feedback-chat/base": `${baseSha}\n`,
  };
}

export function runRepository(
  deps: GitDeps,
  facts: { gitDir: string; baseSha: string; baseRef: string },
): RunRepository {
  const { gitDir } = facts;
  // Of the base commit, which does not change: its package.json is asked for by every stage.
  const baseFiles = new Map<string, Promise<Buffer | null>>();
  const readBaseFile = (path: string) => {
    const reading = baseFiles.get(path) ?? readBlob(deps, gitDir, { treeish: facts.baseSha, path });
    baseFiles.set(path, reading);
    return reading;
  };
  return {
    ...facts,
    exportTree: (treeish, folder) => exportTree(deps, gitDir, { treeish, folder }),
    readFile: (treeish, path) =>
      treeish === facts.baseSha ? readBaseFile(path) : readBlob(deps, gitDir, { treeish, path }),
    [Symbol.asyncDispose]: () => rm(gitDir, { recursive: true, force: true }),
  };
}

async function linkPacks(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (!/^pack-[0-9a-f]+\.(pack|idx|rev)$/.test(name)) continue;
    await link(join(from, name), join(to, name)).catch((error: unknown) => {
      if (
        !(
          error instanceof Error &&
          "code" in error &&
          (error.code === "EXDEV" || error.code === "EPERM" || error.code === "EMLINK")
        )
      )
        throw error;
      return copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    });
  }
}

async function readBlob(
  deps: GitDeps,
  gitDir: string,
  { treeish, path }: { treeish: string; path: string },
): Promise<Buffer | null> {
  const entry = (await runGit(deps, ["ls-tree", "-z", "--full-tree", treeish, "--", path], { gitDir })).toString(
    "utf8",
  );
  const oid = /^100(?:644|755) blob ([0-9a-f]+)\t/.exec(entry)?.[1];
  if (!oid) return null;
  const result = await tryGit(deps, ["cat-file", "blob", oid], {
    gitDir,
    maxOutputBytes: 8 * 1024 * 1024,
  });
  if (result.isCut) return null;
  if (result.exitCode !== 0) throw new Error(`git cat-file could not read ${oid}: ${result.stderr}`);
  return result.stdout;
}
