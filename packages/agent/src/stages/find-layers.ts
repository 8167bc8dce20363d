import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";

const maxDepth = 6;
const maxFolders = 200;
/** What Plug'n'Play needs beside the lockfile: its table, and the packages that it points to. */
const pnpPaths = [".pnp.cjs", ".pnp.loader.mjs", ".pnp.data.json", ".yarn/cache", ".yarn/unplugged"];

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

/** The files and folders of Plug'n'Play, as paths below `tree`. No link is among them. */
export async function findPnpLayers(tree: string, root: string): Promise<string[]> {
  const paths = pnpPaths.map((path) => join(root, path));
  const facts = await Promise.all(paths.map((path) => lstat(join(tree, path)).catch(ignoring("ENOENT", "ENOTDIR"))));
  return paths.filter((_, index) => facts[index]?.isFile() || facts[index]?.isDirectory());
}

/** Whether a folder of ours is there, and is one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(ignoring("ENOENT")))?.isDirectory() === true;
}
