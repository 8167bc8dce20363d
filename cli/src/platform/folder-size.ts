import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ignoring } from "./ignoring.ts";

/** Bytes in files below a folder that another program is writing: what goes while we look counts as nothing. */
export function folderSize(folder: string): number {
  const names = ignoring(["ENOENT"], () => readdirSync(folder, { recursive: true, encoding: "utf8" }), []);
  const sizeOf = (name: string) => {
    const stat = ignoring(["ENOENT"], () => statSync(join(folder, name)), undefined);
    return stat?.isFile() ? stat.size : 0;
  };
  return names.reduce((sum, name) => sum + sizeOf(name), 0);
}
