import { runFailure } from "../ports/run-failure.ts";
import { type TreeEntry, pathBytes, shownPath } from "./list-tree.ts";
import { readWorkFile } from "./read-work-file.ts";
import type { RawChange } from "./read-diff.ts";
import { type GitDeps, runGit } from "./run-git.ts";
import { nameOf, parentOf, parentsOf } from "../core/tree-paths.ts";
import type { WorkFile } from "./judge-work-file.ts";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

type Child = { mode: string; type: TreeEntry["type"]; oid: string };
/** Null: deleted. */
type Changes = Map<string, Child | null>;

export type Written = {
  treeId: string;
  /** Compares what git finds changed with what was meant, entry by entry: it drops names in silence. */
  compare(changed: RawChange[]): void;
};

/**
 * Builds the changed tree over the base's: only folders that hold a change are written anew, all else keeps its id
 * byte for byte. Nothing may be made of it before `compare` has answered.
 * @throws Problem run_failed `bad_output`, paths named, when git took or dropped anything else.
 */
export async function writeTree(
  deps: GitDeps,
  gitDir: string,
  input: {
    baseSha: string;
    base: TreeEntry[];
    changed: WorkFile[];
    deleted: string[];
    scratchFolder: string;
  },
): Promise<Written> {
  const { base, changed, deleted } = input;
  if (changed.length + deleted.length === 0) {
    const args = ["rev-parse", "--verify", `${input.baseSha}^{tree}`];
    return {
      treeId: (await runGit(deps, args, { gitDir })).toString("utf8").trim(),
      compare: (changed) => compare(new Map(), changed),
    };
  }
  const blobs = await writeBlobs(deps, gitDir, input);
  const changes: Changes = new Map(deleted.map((path) => [path, null]));
  changed.forEach(({ path, mode }, index) => changes.set(path, { mode, type: "blob", oid: blobs[index] ?? "" }));
  const treeId = await writeFolders(deps, gitDir, { base, changes });
  return { treeId, compare: (changed) => compare(changes, changed) };
}

// git gets copies with names of ours: it never opens a path that the agent chose.
async function writeBlobs(
  deps: GitDeps,
  gitDir: string,
  { changed, scratchFolder }: { changed: WorkFile[]; scratchFolder: string },
): Promise<string[]> {
  if (changed.length === 0) return [];
  await mkdir(scratchFolder, { recursive: true, mode: 0o700 });
  try {
    for (const [index, { place, sizeBytes }] of changed.entries()) {
      await writeFile(join(scratchFolder, String(index)), await readWorkFile(place, sizeBytes), {
        flag: "wx",
      });
    }
    const input = changed.map((_, index) => `${join(scratchFolder, String(index))}\n`).join("");
    const output = await runGit(deps, ["hash-object", "-w", "--no-filters", "--stdin-paths"], {
      gitDir,
      input,
    });
    return output.toString("utf8").trim().split("\n");
  } finally {
    await rm(scratchFolder, { recursive: true, force: true });
  }
}

async function writeFolders(
  deps: GitDeps,
  gitDir: string,
  { base, changes }: { base: TreeEntry[]; changes: Changes },
): Promise<string> {
  const folders = new Map<string, Map<string, Child>>();
  for (const path of changes.keys()) for (const folder of parentsOf(path)) folders.set(folder, new Map());
  for (const { path, ...child } of base) folders.get(parentOf(path))?.set(nameOf(path), child);
  for (const [path, child] of changes) putChild(folders, path, child);
  const byDepth = Map.groupBy([...folders.keys()], (folder) => (folder === "" ? 0 : folder.split("/").length));
  for (const depth of [...byDepth.keys()].toSorted((a, b) => b - a)) {
    const level = byDepth.get(depth) ?? [];
    const oids = await makeTrees(
      deps,
      gitDir,
      level.map((folder) => folders.get(folder) ?? new Map()),
    );
    if (depth === 0) return oids[0] ?? "";
    level.forEach((folder, index) => {
      const oid = oids[index];
      if (oid) folders.get(parentOf(folder))?.set(nameOf(folder), { mode: "040000", type: "tree", oid });
      // A folder that lost its last file is gone, unless a file took its name.
      else if (!changes.get(folder)) folders.get(parentOf(folder))?.delete(nameOf(folder));
    });
  }
  throw new Error("a tree has a root");
}

function putChild(folders: Map<string, Map<string, Child>>, path: string, child: Child | null): void {
  const folder = folders.get(parentOf(path));
  if (child) folder?.set(nameOf(path), child);
  else folder?.delete(nameOf(path));
}

/** One id for each folder in order; null for an empty one that is not the root. */
async function makeTrees(deps: GitDeps, gitDir: string, folders: Map<string, Child>[]): Promise<(string | null)[]> {
  const full = folders.filter(({ size }) => size > 0);
  if (full.length === 0 && folders.length === 1)
    return [(await runGit(deps, ["mktree"], { gitDir })).toString("utf8").trim()];
  const input = full
    .map(
      (folder) => `${[...folder].map(([name, { mode, type, oid }]) => `${mode} ${type} ${oid}\t${name}\0`).join("")}\0`,
    )
    .join("");
  const output =
    full.length === 0
      ? ""
      : (await runGit(deps, ["mktree", "-z", "--batch"], { gitDir, input: pathBytes(input) })).toString("utf8");
  const oids = output.trim().split("\n");
  return folders.map(({ size }) => (size > 0 ? (oids.shift() ?? null) : null));
}

/** What git finds between the base and what it wrote has to be what was meant, and all of it. */
function compare(changes: Changes, changed: RawChange[]): void {
  const wanted = new Map([...changes].map(([path, child]) => [path, child ? `${child.mode} ${child.oid}` : gone]));
  const wrong: string[] = [];
  for (const { rawPath, after } of changed) {
    if (wanted.get(rawPath) !== (after.mode === "000000" ? gone : `${after.mode} ${after.oid}`)) wrong.push(rawPath);
    wanted.delete(rawPath);
  }
  const paths = [...wrong, ...wanted.keys()].map(shownPath);
  if (paths.length > 0)
    throw runFailure("bad_output", `git did not record these paths as they are: ${paths.slice(0, 10).join(", ")}`, {
      paths,
    });
}

const gone = "gone";
