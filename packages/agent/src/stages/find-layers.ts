import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";

const maxDepth = 6;
const maxFolders = 200;
/** Folders looked into: a tree of whatever size costs no more. */
const maxLooked = 20_000;

/**
 * Every node_modules of a tree that packages were installed into, as paths below it: the root's, and in a workspace
 * those of its packages. No link is followed. Bounded: what is deeper or more is not mounted.
 */
export async function findLayers(tree: string): Promise<string[]> {
  const found: string[] = [];
  let level = [""];
  let looked = 0;
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      for await (const entry of await opendir(join(tree, folder))) {
        if (!entry.isDirectory()) continue;
        const path = join(folder, entry.name);
        if (entry.name === "node_modules") found.push(path);
        else if (!entry.name.startsWith(".") && ++looked < maxLooked) next.push(path);
      }
    }
    level = next;
  }
  return found.slice(0, maxFolders);
}

/** Whether a folder of ours is there, and is one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(ignoring("ENOENT")))?.isDirectory() === true;
}
