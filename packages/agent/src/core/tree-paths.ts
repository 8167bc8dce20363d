export function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end === -1 ? "" : path.slice(0, end);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function parentsOf(path: string): string[] {
  const parents = [];
  for (let folder = parentOf(path); folder !== ""; folder = parentOf(folder)) parents.push(folder);
  return [...parents, ""];
}

/** A folder as settings write it (`./apps/web/`, `.`), written as git does; "" is the root. */
export function folderOf(written: string): string {
  return written.replace(/^\.?\/+|\/+$/g, "").replace(/^\.$/, "");
}

/** A path in a folder that is written in any of these ways. */
export function pathIn(written: string, path: string): string {
  const folder = folderOf(written);
  return folder === "" ? path : `${folder}/${path}`;
}
