import { closeSync, constants, lstatSync, openSync, readdirSync, type Stats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setImmediate as letOthersWork } from "node:timers/promises";
import type { Verdict } from "@feedback-chat/protocol/evidence";
import { foldPath } from "../core/judge-path.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { IgnoredPaths } from "./ignored-paths.ts";
import { pathBytes, shownPath, type TreeEntry } from "./list-tree.ts";
import { hashWorkFile } from "./read-work-file.ts";

export const walkLimits = {
  changedFiles: 100,
  fileBytes: 1024 * 1024,
  entries: 1_000_000,
  depth: 64,
  pathBytes: 1_024,
};

export type WorkFile = {
  path: string;
  place: Buffer;
  mode: "100644" | "100755";
  sizeBytes: number;
};
export type Walk = {
  changed: WorkFile[];
  deleted: string[];
  refusals: Verdict[];
  ignoredFiles: number;
};

type Found = { path: string; place: Buffer; facts: Stats; base: TreeEntry | undefined };
type State = Walk & {
  seen: Set<string>;
  entries: number;
  device: number;
  byPath: Map<string, TreeEntry>;
  ignored: IgnoredPaths;
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
  const byPath = new Map(base.map((entry) => [entry.path, entry]));
  const state: State = {
    changed: [],
    deleted: [],
    refusals: [],
    ignoredFiles: 0,
    seen: new Set(),
    entries: 0,
    device: root.dev,
    byPath,
    ignored,
  };
  let level = [""];
  for (let depth = 0; level.length > 0 && !isFull(state); depth++) {
    if (depth === walkLimits.depth)
      refuse(state, "path_too_deep", level[0] ?? "", `deeper than ${walkLimits.depth} folders`);
    level = depth === walkLimits.depth ? [] : await walkLevel(state, folder, level);
  }
  if (!isFull(state)) {
    state.deleted = base.filter(({ path, type }) => type === "blob" && !state.seen.has(path)).map(({ path }) => path);
    if (state.changed.length + state.deleted.length > walkLimits.changedFiles) refuseCount(state);
  }
  const { changed, deleted, refusals, ignoredFiles } = state;
  return { changed, deleted, refusals, ignoredFiles };
}

// Level by level, so that git is asked about ignored names once a level and not once a folder.
async function walkLevel(state: State, root: string, level: string[]): Promise<string[]> {
  const found: Found[] = [];
  for (const folder of level) found.push(...(await look(state, root, folder)));
  const untracked = found.filter(({ base }) => !base);
  const ignored = await state.ignored(untracked.map(({ path, facts }) => ({ path, isFolder: facts.isDirectory() })));
  const next: string[] = [];
  const files: Found[] = [];
  for (const entry of found) {
    if (ignored.has(entry.path)) state.ignoredFiles += entry.facts.isDirectory() ? await countFiles(entry.place) : 1;
    else if (entry.facts.isDirectory()) await enterFolder(state, entry, next);
    else files.push(entry);
  }
  for (let start = 0; start < files.length && !isFull(state); start += 32) {
    await Promise.all(files.slice(start, start + 32).map((file) => judgeFile(state, file)));
    await letOthersWork();
  }
  if (state.changed.length > walkLimits.changedFiles) refuseCount(state);
  return next;
}

async function look(state: State, root: string, folder: string): Promise<Found[]> {
  const place = placeOf(root, folder);
  const names = unlessShut(() => readdirSync(place, { encoding: "buffer" }));
  if (names === null) {
    refuse(state, "unreadable", folder, notLookedAt);
    return [];
  }
  await letOthersWork();
  const found: Found[] = [];
  for (const bytes of names) {
    const name = bytes.toString("latin1");
    // Whatever stands in the place of the repository's own folder is not the agent's to give.
    if (folder === "" && name === ".git") continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    if (++state.entries > walkLimits.entries)
      refuse(state, "too_many_files", path, `the tree holds more than ${walkLimits.entries} entries`);
    if (isFull(state)) return [];
    if (state.entries % 500 === 0) await letOthersWork();
    const entryPlace = placeOf(root, path);
    const facts = path.length > walkLimits.pathBytes ? undefined : unlessShut(() => lstatSync(entryPlace));
    if (facts === undefined) refuse(state, "path_too_long", path, `longer than ${walkLimits.pathBytes} bytes`);
    else if (facts === null) refuse(state, "unreadable", path, notLookedAt);
    else found.push({ path, place: entryPlace, facts, base: state.byPath.get(path) });
  }
  return found;
}

const notLookedAt = "cannot be looked at";

/** Null where the agent took the right to look from everybody but root. */
function unlessShut<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    return ignoring("EACCES")(error) ?? null;
  }
}

function canRead(place: Buffer): boolean {
  const file = unlessShut(() => openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (file !== null) closeSync(file);
  return file !== null;
}

async function enterFolder(state: State, { path, place, facts, base }: Found, next: string[]): Promise<void> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (facts.dev !== state.device) refuse(state, "special_file", path, "another file system is mounted there");
  else if (base?.type === "commit") {
    if ((await readdir(place)).length > 0) refuse(state, "submodule", path, "files inside a submodule");
  } else if (/^(\.git|git~\d+)$/i.test(name)) refuse(state, "bad_name", path, "a name that git keeps for itself");
  else next.push(path);
}

async function judgeFile(state: State, { path, place, facts, base }: Found): Promise<void> {
  if (isFull(state)) return;
  state.seen.add(path);
  if (base?.type === "commit") return refuse(state, "submodule", path, "a submodule became a file");
  if (facts.isSymbolicLink()) {
    if (!(await isBaseLink(place, base)))
      refuse(state, "symlink", path, base?.mode === "120000" ? "a symlink was changed" : "a new symlink");
    return;
  }
  if (!facts.isFile()) return refuse(state, "special_file", path, "neither a file nor a folder");
  if (base?.mode === "120000") return refuse(state, "symlink", path, "a symlink became a file");
  // git records the owner's bit alone.
  const mode = (facts.mode & 0o100) === 0 ? "100644" : "100755";
  const mayBeSame = base?.type === "blob" && isSameMode(base.mode, mode) && base.sizeBytes === facts.size;
  const oid = mayBeSame ? await hashWorkFile(place, facts.size, algorithmOf(base.oid)).catch(ignoring("EACCES")) : null;
  if (oid === undefined || (!mayBeSame && !canRead(place))) return refuse(state, "unreadable", path, notLookedAt);
  const isSame = mayBeSame && base.oid === oid;
  if (isSame) return;
  if (foldPath(shownPath(path)) === ".gitmodules")
    return refuse(state, "submodule", path, "what git reads about submodules was changed");
  if (facts.size > walkLimits.fileBytes)
    return refuse(state, "file_too_large", path, `${facts.size} bytes; at most ${walkLimits.fileBytes} are taken`);
  state.changed.push({ path, place, mode, sizeBytes: facts.size });
}

async function isBaseLink(place: Buffer, base: TreeEntry | undefined): Promise<boolean> {
  if (base?.mode !== "120000") return false;
  const target = await readlink(place, { encoding: "buffer" });
  return createHash(algorithmOf(base.oid)).update(`blob ${target.length}\0`).update(target).digest("hex") === base.oid;
}

/** Old repositories hold 100664: the same file to us. */
function isSameMode(base: string, mode: string): boolean {
  return base === mode || (base === "100664" && mode === "100644");
}

function algorithmOf(oid: string): "sha1" | "sha256" {
  return oid.length === 64 ? "sha256" : "sha1";
}

/** Counts up to a limit; what is ignored is not looked at, nor what no call can name any more. */
async function countFiles(folder: Buffer): Promise<number> {
  let [count, looked] = [0, 0];
  const folders = [folder];
  for (let place = folders.pop(); place && count < 10_000 && looked < 10_000; place = folders.pop()) {
    looked++;
    const options = { encoding: "buffer", withFileTypes: true } as const;
    for (const entry of (await readdir(place, options).catch(ignoring("ENAMETOOLONG", "EACCES"))) ?? []) {
      if (entry.isDirectory()) folders.push(Buffer.concat([place, Buffer.from("/"), entry.name]));
      else count++;
    }
  }
  return count;
}

function placeOf(root: string, path: string): Buffer {
  return path === "" ? Buffer.from(root) : Buffer.concat([Buffer.from(join(root, "/")), pathBytes(path)]);
}

function isFull(state: State): boolean {
  return state.refusals.length >= 50 || state.refusals.some(({ code }) => code === "too_many_files");
}

function refuseCount(state: State): void {
  const first = [...state.changed.map(({ path }) => path), ...state.deleted].slice(0, 5);
  refuse(
    state,
    "too_many_files",
    first[0] ?? "",
    `more than ${walkLimits.changedFiles} changed files, such as ${first.map(shownPath).join(", ")}`,
  );
}

function refuse(state: State, code: string, path: string, detail: string): void {
  state.refusals.push({ level: "refuse", code, path: shownPath(path), line: null, detail });
}
