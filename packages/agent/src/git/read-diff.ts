import type { ChangedFile } from "@feedback-chat/protocol/evidence";
import { isTextWithNul, utf8Of } from "../core/verdict-of.ts";
import { runFailure } from "../ports/run-failure.ts";
import { shownPath } from "./list-tree.ts";
import { gitError } from "./git-error.ts";
import { readBlobs } from "./read-blobs.ts";
import { tryGit, type GitDeps } from "./run-git.ts";

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

export type TreeDiff = { changes: FileChange[]; raw: RawChange[]; diffPatch: Uint8Array };

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
  const { raw, lines, diffPatch } = await runDiff(deps, gitDir, [`${baseSha}^{tree}`, treeId]);
  const contents = await readContents(
    deps,
    gitDir,
    raw.flatMap(({ before, after }) => [before, after]),
  );
  const changes = raw.map(({ rawPath, status, before, after }): FileChange => {
    const counted = lines.get(rawPath);
    return {
      path: shownPath(rawPath),
      rawPath,
      change: status === "A" ? "added" : status === "D" ? "deleted" : "modified",
      addedLines: counted?.added ?? 0,
      removedLines: counted?.removed ?? 0,
      isBinary: counted?.isBinary ?? false,
      modeBefore: modeOf(before),
      modeAfter: modeOf(after),
      before: contents.get(before.oid) ?? null,
      after: contents.get(after.oid) ?? null,
    };
  });
  const unshown = changes.filter((change) => change.isBinary && isTextWithNul(change));
  return {
    changes,
    raw,
    diffPatch: await withText(deps, gitDir, [`${baseSha}^{tree}`, treeId], { diffPatch, unshown }),
  };
}

/** Adds the lines of text files that git takes for binary: one NUL byte would hide all of them from who decides. */
async function withText(
  deps: GitDeps,
  gitDir: string,
  trees: string[],
  { diffPatch, unshown }: { diffPatch: Uint8Array; unshown: FileChange[] },
): Promise<Uint8Array> {
  const paths = unshown.flatMap(({ rawPath }) => utf8Of(rawPath) ?? []);
  if (paths.length === 0) return diffPatch;
  const args = [...diffArgs, "-p", "--text", "--src-prefix=a/", "--dst-prefix=b/", ...trees, "--", ...paths];
  const result = await tryGit(deps, args, { gitDir, maxOutputBytes: maxDiffBytes });
  if (result.isCut || diffPatch.length + result.stdout.length > maxDiffBytes) throw tooLarge();
  if (result.exitCode !== 0) throw gitError(args, result);
  return Buffer.concat([diffPatch, result.stdout]);
}

function tooLarge(): Error {
  return runFailure("bad_output", "The diff is larger than 1 MiB.", { next: "Ask for a smaller change." });
}

type SideOf = { mode: string; oid: string };
/** As git tells it: modes, and ids of what stands there. */
export type RawChange = { rawPath: string; status: string; before: SideOf; after: SideOf };
type Lines = Map<string, { added: number; removed: number; isBinary: boolean }>;

/** Modes and ids, counted lines, and the patch, by one process: each ends with NUL, and an empty one stands before the patch. */
async function runDiff(
  deps: GitDeps,
  gitDir: string,
  trees: string[],
): Promise<{ raw: RawChange[]; lines: Lines; diffPatch: Uint8Array }> {
  const args = [...diffArgs, "--abbrev=64", "--raw", "--numstat", "-p", "-z", "--src-prefix=a/", "--dst-prefix=b/"];
  const result = await tryGit(deps, [...args, ...trees], { gitDir, maxOutputBytes: 2 * maxDiffBytes });
  if (result.exitCode !== 0 && !result.isCut) throw gitError(args, result);
  const raw: RawChange[] = [];
  const lines: Lines = new Map();
  let start = 0;
  const record = () => {
    const end = result.stdout.indexOf(0, start);
    const text = end === -1 ? "" : result.stdout.subarray(start, end).toString("latin1");
    start = end === -1 ? result.stdout.length : end + 1;
    return text;
  };
  for (let text = record(); text !== ""; text = record()) {
    if (text.startsWith(":")) raw.push({ ...rawChange(text), rawPath: record() });
    else countLines(lines, text);
  }
  const diffPatch = result.stdout.subarray(start);
  if (!result.isCut && diffPatch.length <= maxDiffBytes) return { raw, lines, diffPatch };
  throw tooLarge();
}

function rawChange(text: string): Omit<RawChange, "rawPath"> {
  const [modeBefore = "", modeAfter = "", before = "", after = "", status = ""] = text.slice(1).split(" ");
  return { status, before: { mode: modeBefore, oid: before }, after: { mode: modeAfter, oid: after } };
}

function countLines(lines: Lines, text: string): void {
  const [added = "", removed = "", ...path] = text.split("\t");
  lines.set(path.join("\t"), { added: Number(added) || 0, removed: Number(removed) || 0, isBinary: added === "-" });
}

function modeOf({ mode }: SideOf): string | null {
  return mode === "000000" ? null : mode;
}

const maxContentBytes = 4 * 1024 * 1024;

/** Of files and links, the first 4 MiB. */
async function readContents(deps: GitDeps, gitDir: string, sides: SideOf[]): Promise<Map<string, Uint8Array>> {
  const blobs = sides.filter(({ mode }) => mode.startsWith("100") || mode === "120000");
  const contents = new Map<string, Uint8Array>();
  for await (const { entry, body } of readBlobs(deps, gitDir, blobs)) contents.set(entry.oid, await firstOf(body));
  return contents;
}

async function firstOf(body: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let left = maxContentBytes;
  for await (const chunk of body) {
    if (left > 0) chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
  }
  return Buffer.concat(chunks);
}
