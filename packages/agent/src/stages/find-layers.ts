import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";

const maxDepth = 6;
const maxFolders = 200;

/**
 * Every node_modules of a tree that packages were installed into, as paths below it: the root's, and in a workspace
 * those of its packages. No link is followed. Bounded: what is deeper or more is not mounted.
 */
export async function findLayers(tree: string): Promise<string[]> {
  const found: string[] = [];
  let level = [""];
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      const entries = await readdir(join(tree, folder), { withFileTypes: true });
      for (const entry of entries.filter((each) => each.isDirectory())) {
        const path = join(folder, entry.name);
        if (entry.name === "node_modules") found.push(path);
        else if (!entry.name.startsWith(".")) next.push(path);
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
