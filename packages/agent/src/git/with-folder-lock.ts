import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { ignoring } from "../platform/ignoring.ts";
import type { Clock } from "../ports/clock.ts";

type Deps = { clock: Clock; signal: AbortSignal };

const beatMs = 3_000;
const staleMs = 20_000;

/**
 * Runs `work` while no other process of this machine holds the same lock file. A holder that died, or has not
 * touched its lock for 20 s, is taken over from.
 */
export async function withFolderLock<T>({ clock, signal }: Deps, lockFile: string, work: () => Promise<T>): Promise<T> {
  const mine = JSON.stringify({ pid: process.pid, id: randomUUID() });
  while (!(await acquire(lockFile, mine, clock))) {
    await clock.wait(50, signal);
    signal.throwIfAborted();
  }
  const beating = new AbortController();
  const beats = keepFresh(clock, lockFile, beating.signal);
  try {
    return await work();
  } finally {
    beating.abort();
    await beats;
    if ((await contentOf(lockFile)) === mine) await rm(lockFile, { force: true });
  }
}

// `link` fails when the name is there, and the name appears with its content already in it.
async function acquire(lockFile: string, mine: string, clock: Clock): Promise<boolean> {
  const draft = `${lockFile}.${randomUUID()}`;
  await writeFile(draft, mine);
  try {
    await link(draft, lockFile);
    return true;
  } catch (error) {
    ignoring("EEXIST")(error);
    await removeIfStale(lockFile, clock);
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

async function removeIfStale(lockFile: string, clock: Clock): Promise<void> {
  const content = await contentOf(lockFile);
  const facts = await stat(lockFile).catch(ignoring("ENOENT"));
  if (content === null || !facts) return;
  const isFresh = clock.now().getTime() - facts.mtimeMs < staleMs;
  if (isFresh && isAlive((JSON.parse(content) as { pid: number }).pid)) return;
  // Moved aside before it is deleted: of two that find it stale, one deletes and the other finds nothing.
  const aside = `${lockFile}.${randomUUID()}`;
  await rename(lockFile, aside).catch(ignoring("ENOENT"));
  const taken = await contentOf(aside);
  if (taken !== null && taken !== content) await link(aside, lockFile).catch(ignoring("EEXIST"));
  await rm(aside, { force: true });
}

async function keepFresh(clock: Clock, lockFile: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.wait(beatMs, signal);
    if (!signal.aborted) await utimes(lockFile, clock.now(), clock.now()).catch(ignoring("ENOENT"));
  }
}

async function contentOf(file: string): Promise<string | null> {
  return (await readFile(file, "utf8").catch(ignoring("ENOENT"))) ?? null;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if (error instanceof Error && "code" in error && error.code === "EPERM") return true;
    ignoring("ESRCH")(error);
    return false;
  }
}
