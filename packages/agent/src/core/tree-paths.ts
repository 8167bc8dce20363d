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
