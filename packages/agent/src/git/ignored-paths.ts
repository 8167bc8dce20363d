import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { joined, readBlobs } from "./read-blobs.ts";
import { pathBytes, type TreeEntry } from "./list-tree.ts";
import { gitError } from "./git-error.ts";
import { tryGit, type GitDeps } from "./run-git.ts";

export type Candidate = { path: string; isFolder: boolean };

/** Tells which of the untracked paths the base commit's own ignore rules exclude. */
export type IgnoredPaths = (candidates: Candidate[]) => Promise<Set<string>>;

/**
 * git answers, in a scratch work tree that holds nothing but the base commit's `.gitignore` files and empty folders:
 * rules that the agent wrote count for nothing, and git never sees its tree.
 */
export async function openIgnoredPaths(
  deps: GitDeps,
  gitDir: string,
  { base, scratchFolder }: { base: TreeEntry[]; scratchFolder: string },
): Promise<IgnoredPaths> {
  await mkdir(scratchFolder, { recursive: true, mode: 0o700 });
  const rules = base.filter(({ path, mode }) => /(^|\/)\.gitignore$/.test(path) && mode.startsWith("100"));
  for await (const { entry, body } of readBlobs(deps, gitDir, rules)) {
    const file = placeOf(scratchFolder, entry.path);
    await mkdir(folderOf(file), { recursive: true });
    await writeFile(file, await joined(body), { flag: "wx" });
  }
  return async (candidates) => {
    const asked = candidates.filter(({ path }) => !path.split("/").slice(0, -1).includes(".gitignore"));
    if (asked.length === 0 || rules.length === 0) return new Set();
    // A rule such as `build/` means folders only, and git looks at the disk to tell.
    for (const { path, isFolder } of asked)
      if (isFolder && !path.endsWith(".gitignore")) await mkdir(placeOf(scratchFolder, path), { recursive: true });
    const args = ["check-ignore", "--no-index", "--stdin", "-z"];
    // check-ignore takes no literal pathspecs; after `./` no name is read as magic.
    const input = Buffer.concat(asked.map(({ path }) => pathBytes(`./${path}\0`)));
    const result = await tryGit(deps, args, {
      gitDir,
      input,
      env: { GIT_WORK_TREE: scratchFolder, GIT_LITERAL_PATHSPECS: "0" },
      workingFolder: scratchFolder,
    });
    // 1 = none of them is ignored.
    if (result.exitCode !== 0 && result.exitCode !== 1) throw gitError(args, result);
    return new Set(
      result.stdout
        .toString("latin1")
        .split("\0")
        .filter(Boolean)
        .map((path) => path.slice(2)),
    );
  };
}

function placeOf(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(join(folder, "/")), pathBytes(path)]);
}

function folderOf(file: Buffer): Buffer {
  return Buffer.from(dirname(file.toString("latin1")), "latin1");
}
