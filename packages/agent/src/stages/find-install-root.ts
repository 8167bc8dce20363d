import { parentsOf, pathIn } from "../core/tree-paths.ts";

const lockfiles = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/** The folder of the lockfile that the app is installed by: the app's own, or one above it. The app's without any. */
export async function findInstallRoot(
  read: (path: string) => Promise<string | null>,
  appFolder: string,
): Promise<string> {
  for (const folder of appFolder === "" ? [""] : [appFolder, ...parentsOf(appFolder)])
    for (const name of lockfiles) if ((await read(pathIn(folder, name))) !== null) return folder;
  return appFolder;
}
