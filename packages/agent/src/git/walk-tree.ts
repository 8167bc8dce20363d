import { lstatSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { setImmediate as letOthersWork } from "node:timers/promises";
import type { Verdict } from "@feedback-chat/protocol/evidence";
import { countFiles } from "./count-files.ts";
import type { Candidate, IgnoredPaths } from "./ignored-paths.ts";
import { type Found, judgeWorkFile, notLookedAt, type WorkFile } from "./judge-work-file.ts";
import { shownPath, type TreeEntry } from "./list-tree.ts";
import { openFolder, placeBelow, unlessShut } from "./read-folder.ts";

/** Counted while the tree is read, so that no tree of the agent's making fills the memory. */
export const walkLimits = {
  changedFiles: 100,
  entries: 1_000_000,
  depth: 64,
  pathBytes: 1_024,
  /** Entries that the base commit does not have, those of ignored folders aside. */
  newEntries: 20_000,
  newPathBytes: 4 * 1024 * 1024,
};

export type Walk = {
  changed: WorkFile[];
  deleted: string[];
  refusals: Verdict[];
  ignoredFiles: number;
};

type State = Walk & {
  root: Buffer;
  device: number;
  /** Of the base commit; what was found as a file is taken out. */
  left: Map<string, TreeEntry>;
  entries: number;
  newEntries: number;
  newPathBytes: number;
  isStopped: boolean;
};

/**
 * Compares a dead sandbox's tree with the base commit. Our own eyes only: lstat, no link followed, no other
 * device entered, regular files opened without following. Names are bytes. Nothing may write there meanwhile.
 */
export async function walkTree(
  ignored: IgnoredPaths,
  { folder, base }: { folder: string; base: TreeEntry[] },
): Promise<Walk> {
  const root = await lstat(folder);
  if (!root.isDirectory()) throw new Error(`${folder} is no folder`);
  const state: State = {
    changed: [],
    deleted: [],
    refusals: [],
    ignoredFiles: 0,
    root: Buffer.from(folder),
    device: root.dev,
    left: new Map(base.map((entry) => [entry.path, entry])),
    entries: 0,
    newEntries: 0,
    newPathBytes: 0,
    isStopped: false,
  };
  let level = [""];
  for (let depth = 0; level.length > 0 && !state.isStopped; depth++) {
    if (depth === walkLimits.depth)
      refuse(state, "path_too_deep", level[0] ?? "", `deeper than ${walkLimits.depth} folders`);
    level = depth === walkLimits.depth ? [] : await walkLevel(state, level, ignored);
  }
  if (!state.isStopped) {
    for (const { path, type } of state.left.values()) if (type === "blob") state.deleted.push(path);
    if (state.changed.length + state.deleted.length > walkLimits.changedFiles) refuseCount(state);
  }
  const { changed, deleted, refusals, ignoredFiles } = state;
  return { changed, deleted, refusals, ignoredFiles };
}

// Level by level, so that git is asked about ignored names once a level and not once a folder.
async function walkLevel(state: State, level: string[], ignored: IgnoredPaths): Promise<string[]> {
  const found = { next: [] as string[], untracked: [] as Found[] };
  for (const folder of level) if (!state.isStopped) await readFolder(state, folder, found);
  if (state.isStopped) return [];
  const { next, untracked } = found;
  const names = await ignored(untracked.map(({ path, kind }): Candidate => ({ path, isFolder: kind === "folder" })));
  const files: Found[] = [];
  for (const entry of untracked) {
    if (names.has(entry.path)) state.ignoredFiles += entry.kind === "folder" ? await countFiles(entry.place) : 1;
    else if (entry.kind === "folder") enterFolder(state, entry, next);
    else files.push(entry);
  }
  await judgeFiles(state, files);
  if (state.changed.length > walkLimits.changedFiles) refuseCount(state);
  return next;
}

/** What the base has is judged while it is read; the rest waits for git's word about its name. */
async function readFolder(
  state: State,
  folder: string,
  { next, untracked }: { next: string[]; untracked: Found[] },
): Promise<void> {
  using names = openFolder(placeBelow(state.root, folder));
  if (names === null) return refuse(state, "unreadable", folder, notLookedAt);
  await letOthersWork();
  let tracked: Found[] = [];
  for (const name of names) {
    // Whatever stands in the place of the repository's own folder is not the agent's to give.
    if (folder === "" && name === ".git") continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    const entry = look(state, path);
    if (state.isStopped) return;
    if (!entry) continue;
    if (!entry.base) untracked.push(entry);
    else if (entry.kind === "folder") enterFolder(state, entry, next);
    else tracked.push(entry);
    if (tracked.length < 32) continue;
    await judgeFiles(state, tracked);
    tracked = [];
  }
  await judgeFiles(state, tracked);
}

/** Counts the entry before anything is kept of it. */
function look(state: State, path: string): Found | null {
  const base = state.left.get(path);
  if (++state.entries > walkLimits.entries)
    return stop(state, path, `the tree holds more than ${walkLimits.entries} entries`);
  if (path.length > walkLimits.pathBytes) {
    refuse(state, "path_too_long", path, `longer than ${walkLimits.pathBytes} bytes`);
    return null;
  }
  if (!base && ++state.newEntries > walkLimits.newEntries)
    return stop(state, path, `more than ${walkLimits.newEntries} new files and folders`);
  if (!base && (state.newPathBytes += path.length) > walkLimits.newPathBytes)
    return stop(state, path, `names of new files longer than ${walkLimits.newPathBytes} bytes in all`);
  const place = placeBelow(state.root, path);
  const facts = unlessShut(() => lstatSync(place));
  if (facts === null) {
    refuse(state, "unreadable", path, notLookedAt);
    return null;
  }
  const kind = facts.isDirectory() ? "folder" : facts.isFile() ? "file" : facts.isSymbolicLink() ? "link" : "special";
  const isExecutable = (facts.mode & 0o100) !== 0;
  return { path, place, kind, isExecutable, sizeBytes: facts.size, device: facts.dev, base };
}

function enterFolder(state: State, { path, place, device, base }: Found, next: string[]): void {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (device !== state.device) refuse(state, "special_file", path, "another file system is mounted there");
  else if (base?.type === "commit") {
    using inside = openFolder(place);
    if (inside === null || !inside[Symbol.iterator]().next().done)
      refuse(state, "submodule", path, "files inside a submodule");
  } else if (/^(\.git|git~\d+)$/i.test(name)) refuse(state, "bad_name", path, "a name that git keeps for itself");
  else next.push(path);
}

async function judgeFiles(state: State, files: Found[]): Promise<void> {
  for (let start = 0; start < files.length && !state.isStopped; start += 32) {
    await Promise.all(
      files.slice(start, start + 32).map(async (found) => {
        state.left.delete(found.path);
        const verdict = await judgeWorkFile(found);
        if (verdict.is === "changed") state.changed.push(verdict.file);
        if (verdict.is === "refused") refuse(state, verdict.code, found.path, verdict.detail);
      }),
    );
    await letOthersWork();
    if (state.changed.length > walkLimits.changedFiles) refuseCount(state);
  }
}

function refuseCount(state: State): void {
  const some = [...state.changed.slice(0, 5).map(({ path }) => path), ...state.deleted.slice(0, 5)].slice(0, 5);
  const detail = `more than ${walkLimits.changedFiles} changed files, such as ${some.map(shownPath).join(", ")}`;
  stop(state, some[0] ?? "", detail);
}

function stop(state: State, path: string, detail: string): null {
  if (!state.isStopped) refuse(state, "too_many_files", path, detail);
  state.isStopped = true;
  return null;
}

function refuse(state: State, code: string, path: string, detail: string): void {
  state.refusals.push({ level: "refuse", code, path: shownPath(path), line: null, detail });
  if (state.refusals.length >= 50) state.isStopped = true;
}
