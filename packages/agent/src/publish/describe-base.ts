import { runGit, tryGit, type GitDeps } from "../git/run-git.ts";
import { shownPath } from "../git/list-tree.ts";
import { baseIsGone } from "./github.ts";
import { remoteProblem, type Remote } from "../git/look-heads.ts";

/** What the pull request has to say about its base: nothing, or that it moved, and where that meets the change. */
export async function describeBase(
  deps: GitDeps,
  remote: Remote,
  plan: { baseRef: string; baseSha: string; changedPaths: string[]; heads: ReadonlyMap<string, string> },
): Promise<{ notes: string[] }> {
  const { baseRef, baseSha, changedPaths, heads } = plan;
  const headSha = heads.get(baseRef);
  if (!headSha) throw baseIsGone(baseRef);
  if (headSha === baseSha) return { notes: [] };
  const { gitDir, url, token } = remote;
  const fetched = await tryGit(
    deps,
    [
      "fetch",
      "--quiet",
      "--depth=1",
      "--no-tags",
      "--no-write-fetch-head",
      "--force",
      "--",
      url,
      `+refs/heads/${baseRef}:refs/feedback-chat/base-now`,
    ],
    { gitDir, token, timeoutSeconds: 300 },
  );
  if (fetched.exitCode !== 0) throw remoteProblem(["fetch"], fetched);
  const args = [
    "diff-tree",
    "-r",
    "-z",
    "--name-only",
    "--no-renames",
    `${baseSha}^{tree}`,
    "refs/feedback-chat/base-now^{tree}",
  ];
  const moved = new Set(
    (await runGit(deps, args, { gitDir })).toString("latin1").split("\0").filter(Boolean).map(shownPath),
  );
  const both = changedPaths.filter((path) => moved.has(path));
  const note = `The base branch has moved on: this change was made on \`${baseSha.slice(0, 12)}\`, the branch stands at \`${headSha.slice(0, 12)}\`.`;
  if (both.length === 0) return { notes: [note] };
  return {
    notes: [
      `${note} Both change ${both.length === 1 ? "one file" : `${both.length} files`}, so there may be conflicts.`,
    ],
  };
}
