import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Every regular file of a folder, links not followed. */
export function filesBelow(folder: string): { path: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { path: relative(folder, path), bytes: readFileSync(path) };
    });
}
