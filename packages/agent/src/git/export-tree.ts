import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runFailure } from "../ports/run-failure.ts";
import { gitError } from "./git-error.ts";
import { tryGit, type GitDeps } from "./run-git.ts";

/**
 * Of a run's GIT_DIR, as `info/attributes`: it goes before every `.gitattributes` of the repository, so none of them
 * changes a byte of what is exported (line endings, ident, encodings, filters).
 */
export const plainAttributes = "* -text !crlf !eol !ident !filter !working-tree-encoding\n";

/**
 * Writes a tree's files into `folder`, which is empty or absent. git does it while nothing runs there yet, and with
 * `plainAttributes`; `archive` would still obey export-ignore and export-subst. It refuses names such as `.git` or
 * `..` before it writes anything, and writes nothing through a symlink.
 */
export async function exportTree(
  deps: GitDeps,
  gitDir: string,
  { treeish, folder }: { treeish: string; folder: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const index = join(gitDir, `export-${randomUUID()}`);
  const args = ["-c", "checkout.workers=0", "read-tree", "-m", "-u", "--end-of-options", treeish];
  try {
    const result = await tryGit(deps, args, {
      gitDir,
      env: { GIT_INDEX_FILE: index, GIT_WORK_TREE: folder },
      token: null, // it needs none, and so ends with us: whoever sweeps up after us deletes the folder
      timeoutSeconds: 600,
    });
    const name = /invalid path '(.*)'/.exec(result.stderr)?.[1];
    if (name !== undefined)
      throw runFailure("clone", `The base commit holds a name that cannot be written: ${name}`, { paths: [name] });
    if (result.exitCode !== 0) throw gitError(["read-tree"], result);
  } finally {
    await rm(index, { force: true });
  }
}
