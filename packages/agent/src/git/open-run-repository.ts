import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunRepository } from "../ports/git.ts";
import { exportTree } from "./export-tree.ts";
import type { MirrorAnswer } from "./mirror-cache.ts";
import { runGit, tryGit, type GitDeps } from "./run-git.ts";

/**
 * Makes the GIT_DIR of one run from a locked mirror. Packs are hard links (copies across file systems): they are
 * never changed in place, so neither a remade mirror nor another run can touch what this run reads.
 */
export async function openRunRepository(deps: GitDeps, mirror: MirrorAnswer, gitDir: string): Promise<RunRepository> {
  await rm(gitDir, { recursive: true, force: true });
  await runGit(deps, ["init", "--quiet", "--bare", "--template=", "--", gitDir], { gitDir: null });
  await linkPacks(join(mirror.mirrorDir, "objects/pack"), join(gitDir, "objects/pack"));
  await writeFile(join(gitDir, "shallow"), `${mirror.baseSha}\n`);
  await runGit(deps, ["update-ref", "refs/feedback-chat/base", mirror.baseSha], { gitDir });
  return runRepository(deps, { gitDir, baseSha: mirror.baseSha, baseRef: mirror.baseRef });
}

export function runRepository(
  deps: GitDeps,
  facts: { gitDir: string; baseSha: string; baseRef: string },
): RunRepository {
  const { gitDir } = facts;
  return {
    ...facts,
    exportTree: (treeish, folder) => exportTree(deps, gitDir, { treeish, folder }),
    readFile: (treeish, path) => readBlob(deps, gitDir, { treeish, path }),
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
