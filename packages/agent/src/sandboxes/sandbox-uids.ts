import { link, mkdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";
import { killIfThere } from "./kill-if-there.ts";
import { isOwned, ownerName } from "./process-owner.ts";
import { processesOf } from "./process-table.ts";

const firstUid = 200_000;
const uidCount = 1_000;

export type UidDeps = {
  userId: number;
  /** Which uids are taken, for all workers of the machine whatever their root folders are. Used as root only. */
  uidFolder: string;
};

export async function makeUidFolder(deps: UidDeps): Promise<void> {
  if (isRoot(deps)) await mkdir(deps.uidFolder, { recursive: true, mode: 0o700 });
}

/** Two workers on one machine never share a uid: a file per uid names the process that holds it. */
export async function takeUid(deps: UidDeps, slot: number): Promise<number> {
  if (!isRoot(deps)) return deps.userId;
  for (let step = 0; step < uidCount; step++) {
    const uid = firstUid + ((slot + step) % uidCount);
    if (await claimFile(claimOf(deps, uid))) return uid;
  }
  throw new Error(`all ${uidCount} uids of the sandbox are taken`);
}

export async function releaseUid(deps: UidDeps, uid: number): Promise<void> {
  if (isRoot(deps)) await unlink(claimOf(deps, uid)).catch(ignoring("ENOENT"));
}

/** Ends what a worker that is gone left running. Held by us meanwhile: nobody may start anything under this uid. */
export async function endAbandoned(deps: UidDeps, uid: number): Promise<void> {
  if (!isRoot(deps) || !isSandboxUid(uid)) return;
  if (!(await claimFile(claimOf(deps, uid)))) return;
  for (const pid of processesOf(uid)) killIfThere(pid);
  await releaseUid(deps, uid);
}

export function isSandboxUid(uid: number): boolean {
  return uid >= firstUid && uid < firstUid + uidCount;
}

export function isRoot({ userId }: { userId: number }): boolean {
  return userId === 0;
}

function claimOf({ uidFolder }: UidDeps, uid: number): string {
  return join(uidFolder, String(uid));
}

async function claimFile(path: string): Promise<boolean> {
  const mine = `${path}.${process.pid}.${Math.trunc(performance.now() * 1e6)}`;
  await writeFile(mine, ownerName(process.pid), { flag: "wx" });
  try {
    if (await linked(mine, path)) return true;
    const holder = await readFile(path, "utf8").catch(ignoring("ENOENT"));
    if (holder === undefined || isOwned(holder)) return false;
    // Of several that see a dead holder, one moves its file away; should it have been a new one, it goes back.
    const aside = `${mine}.old`;
    await rename(path, aside).catch(ignoring("ENOENT"));
    if ((await readFile(aside, "utf8").catch(ignoring("ENOENT"))) !== holder) await linked(aside, path);
    await rm(aside, { force: true });
    return await linked(mine, path);
  } finally {
    await rm(mine, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  const done = await link(from, to)
    .then(() => true)
    .catch(ignoring("EEXIST", "ENOENT"));
  return done ?? false;
}
