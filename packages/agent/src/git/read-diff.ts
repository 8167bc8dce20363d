import type { ChangedFile } from "@feedback-chat/protocol/evidence";
import { runFailure } from "../ports/run-failure.ts";
import { shownPath } from "./list-tree.ts";
import { gitError } from "./git-error.ts";
import { runGit, tryGit, type GitDeps } from "./run-git.ts";

export const maxDiffBytes = 1024 * 1024;

/** One changed path with both sides. A side is null when the path is not there. */
export type FileChange = ChangedFile & {
  /** The name's bytes as latin1; `path` is for people. */
  rawPath: string;
  isBinary: boolean;
  modeBefore: string | null;
  modeAfter: string | null;
  before: Uint8Array | null;
  after: Uint8Array | null;
};

export type TreeDiff = { changes: FileChange[]; diffPatch: Uint8Array };

// Bare, so no .gitattributes of the repository is read: `* -diff` hides nothing, textconv and external tools never start.
const diffArgs = [
  "diff-tree",
  "-r",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--full-index",
  "--ignore-submodules=none",
];

/** @throws Problem run_failed `bad_output` when the diff is larger than 1 MiB. */
export async function readDiff(
  deps: GitDeps,
  gitDir: string,
  { baseSha, treeId }: { baseSha: string; treeId: string },
): Promise<TreeDiff> {
  const trees = [`${baseSha}^{tree}`, treeId];
  const numbers = await readNumbers(deps, gitDir, trees);
  const raw = (await runGit(deps, [...diffArgs, "--raw", "--abbrev=64", "-z", ...trees], { gitDir }))
    .toString("latin1")
    .split("\0");
  const changes: FileChange[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [modeBefore = "", modeAfter = "", before = "", after = "", status = ""] = (raw[index] ?? "")
      .slice(1)
      .split(" ");
    const rawPath = raw[index + 1] ?? "";
    const lines = numbers.get(rawPath);
    changes.push({
      path: shownPath(rawPath),
      rawPath,
      change: status === "A" ? "added" : status === "D" ? "deleted" : "modified",
      addedLines: lines?.added ?? 0,
      removedLines: lines?.removed ?? 0,
      isBinary: lines?.isBinary ?? false,
      modeBefore: modeOf(modeBefore),
      modeAfter: modeOf(modeAfter),
      before: await contentOf(deps, gitDir, { mode: modeBefore, oid: before }),
      after: await contentOf(deps, gitDir, { mode: modeAfter, oid: after }),
    });
  }
  return { changes, diffPatch: await readPatch(deps, gitDir, trees) };
}

async function readPatch(deps: GitDeps, gitDir: string, trees: string[]): Promise<Uint8Array> {
  const args = [...diffArgs, "-p", "--src-prefix=a/", "--dst-prefix=b/", ...trees];
  const result = await tryGit(deps, args, { gitDir, maxOutputBytes: maxDiffBytes });
  if (result.isCut)
    throw runFailure("bad_output", "The diff is larger than 1 MiB.", {
      next: "Ask for a smaller change.",
    });
  if (result.exitCode !== 0) throw gitError(args, result);
  return result.stdout;
}

async function readNumbers(deps: GitDeps, gitDir: string, trees: string[]) {
  const output = await runGit(deps, [...diffArgs, "--numstat", "-z", ...trees], { gitDir });
  const lines = output.toString("latin1").split("\0").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [added = "", removed = "", ...path] = line.split("\t");
      return [path.join("\t"), { added: Number(added) || 0, removed: Number(removed) || 0, isBinary: added === "-" }];
    }),
  );
}

function modeOf(mode: string): string | null {
  return mode === "000000" ? null : mode;
}

async function contentOf(
  deps: GitDeps,
  gitDir: string,
  { mode, oid }: { mode: string; oid: string },
): Promise<Uint8Array | null> {
  if (!mode.startsWith("100") && mode !== "120000") return null;
  const result = await tryGit(deps, ["cat-file", "blob", oid], {
    gitDir,
    maxOutputBytes: 4 * 1024 * 1024,
  });
  if (!result.isCut && result.exitCode !== 0) throw gitError(["cat-file"], result);
  return result.stdout;
}
