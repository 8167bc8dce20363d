import { closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { mkdir, open, symlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as letOthersWork } from "node:timers/promises";
import { runFailure } from "../ports/run-failure.ts";
import { listTree, pathBytes, shownPath, type TreeEntry } from "./list-tree.ts";
import { streamGit, type GitDeps } from "./run-git.ts";

/**
 * Writes a tree's files with our own hands: neither `archive` nor `checkout` is asked, so no attribute of the
 * repository (export-subst, export-ignore, filters, line endings) changes a byte, and no name leaves `folder`.
 * `folder` must be empty or absent. Folders come first and symlinks last: nothing is written through one.
 */
export async function exportTree(
  deps: GitDeps,
  gitDir: string,
  { treeish, folder }: { treeish: string; folder: string },
): Promise<void> {
  const entries = await listTree(deps, gitDir, treeish);
  const unsafe = entries.find(({ path }) =>
    path.split("/").some((name) => ["", ".", ".."].includes(name) || name.toLowerCase() === ".git"),
  );
  if (unsafe)
    throw runFailure("clone", `The base commit holds a name that cannot be written: ${shownPath(unsafe.path)}`, {
      paths: [shownPath(unsafe.path)],
    });
  await mkdir(folder, { recursive: true });
  for (const entry of entries) if (entry.type !== "blob") mkdirSync(placeOf(folder, entry.path));
  const links: { entry: TreeEntry; target: Buffer }[] = [];
  let written = 0;
  const blobs = entries.filter(({ type }) => type === "blob");
  for await (const { entry, body } of readBlobs(deps, gitDir, blobs)) {
    if (entry.mode === "120000") links.push({ entry, target: await joined(body) });
    else if (entry.sizeBytes > smallBytes) await writeLarge(placeOf(folder, entry.path), entry.mode, body);
    else writeSmall(placeOf(folder, entry.path), entry.mode, await joined(body));
    if (++written % 64 === 0) await letOthersWork();
  }
  for (const { entry, target } of links) await symlink(target, placeOf(folder, entry.path));
}

function placeOf(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(join(folder, "/")), pathBytes(path)]);
}

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
// Most files are small, and without the thread pool they cost a fraction.
const smallBytes = 256 * 1024;

function writeSmall(place: Buffer, mode: string, content: Buffer): void {
  const file = openSync(place, flags, permissionsOf(mode));
  try {
    for (let done = 0; done < content.length;) done += writeSync(file, content, done);
  } finally {
    closeSync(file);
  }
}

async function writeLarge(place: Buffer, mode: string, body: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(place, flags, permissionsOf(mode));
  try {
    for await (const chunk of body) await writeAll(file, chunk);
  } finally {
    await file.close();
  }
}

function permissionsOf(mode: string): number {
  return mode === "100755" ? 0o755 : 0o644;
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
}

export async function joined(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One `cat-file --batch` for all; each body has to be read to its end before the next entry. Memory stays flat. */
export async function* readBlobs(
  deps: GitDeps,
  gitDir: string,
  entries: TreeEntry[],
): AsyncGenerator<{ entry: TreeEntry; body: AsyncIterable<Buffer> }> {
  const { stdout, end, stop } = streamGit(deps, ["cat-file", "--batch", "--buffer"], {
    gitDir,
    input: entries.map(({ oid }) => `${oid}\n`).join(""),
  });
  const reader = byteReader(stdout);
  let isWhole = false;
  try {
    for (const entry of entries) {
      const header = await reader.line();
      const size = new RegExp(`^${entry.oid} blob (\\d+)$`).exec(header)?.[1];
      if (size === undefined) throw new Error(`git cat-file could not read ${entry.oid}: ${header.slice(0, 100)}`);
      yield { entry, body: reader.take(Number(size)) };
      await reader.line();
    }
    isWhole = true;
  } finally {
    if (!isWhole) stop();
  }
  await end();
}

function byteReader(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async () => {
    const { value, done } = await chunks.next();
    if (done) throw new Error("git cat-file ended too early");
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
  };
  return {
    async line(): Promise<string> {
      while (!rest.includes(10)) await more();
      const end = rest.indexOf(10);
      const line = rest.subarray(0, end).toString("latin1");
      rest = rest.subarray(end + 1);
      return line;
    },
    async *take(size: number): AsyncGenerator<Buffer> {
      for (let left = size; left > 0;) {
        if (rest.length === 0) await more();
        const chunk = rest.subarray(0, left);
        rest = rest.subarray(chunk.length);
        left -= chunk.length;
        yield chunk;
      }
    },
  };
}
