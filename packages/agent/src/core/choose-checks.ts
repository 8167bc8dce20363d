import { parentOf, parentsOf } from "./tree-paths.ts";

export type Check = { name: string; command: string[] };
/** The checks of one folder, in the order in which they run there. */
export type CheckChain = { folder: string; checks: Check[] };
/** The scripts of a package.json by name, and of all of them by folder; "" is the root. */
export type Scripts = Record<string, string>;
export type ScriptsByFolder = ReadonlyMap<string, Scripts>;

/** Quick kinds first. Of the names of one kind, the first that a package.json has counts. */
const kinds: readonly (readonly string[])[] = [
  ["lint"],
  ["typecheck", "type-check", "check-types"],
  ["test"],
  ["build"],
];

/**
 * The checks that judge a change of these paths: of each kind, for each path, the script of the nearest package.json
 * above it that has one. The app's own checks (`appFolder`) are always among them, since it is the app that ships.
 */
export function chooseChecks(
  byFolder: ScriptsByFolder,
  { paths, appFolder }: { paths: readonly string[]; appFolder: string },
): CheckChain[] {
  const places = [...new Set([...(appFolder === "" ? [] : [appFolder]), ...paths.map(parentOf)])];
  const scriptsIn = new Map<string, string[]>();
  for (const kind of kinds) {
    const found = places.flatMap((place) => nearest(byFolder, place, kind) ?? []);
    for (const { folder, script } of found) {
      const scripts = scriptsIn.get(folder) ?? [];
      if (!scripts.includes(script)) scriptsIn.set(folder, [...scripts, script]);
    }
  }
  return chainsOf(byFolder, scriptsIn, appFolder);
}

/** Every check of every package.json. */
export function allChecks(byFolder: ScriptsByFolder, appFolder: string): CheckChain[] {
  const scriptsIn = new Map(
    [...byFolder].map(([folder, scripts]) => [folder, kinds.flatMap((kind) => scriptOf(scripts, kind) ?? [])]),
  );
  return chainsOf(byFolder, scriptsIn, appFolder);
}

/** The app first, then by name: the same set always runs in the same order. */
function chainsOf(
  byFolder: ScriptsByFolder,
  scriptsIn: ReadonlyMap<string, string[]>,
  appFolder: string,
): CheckChain[] {
  return [...scriptsIn]
    .filter(([, scripts]) => scripts.length > 0)
    .toSorted(([a], [b]) => Number(b === appFolder) - Number(a === appFolder) || (a < b ? -1 : 1))
    .map(([folder, names]) => ({
      folder,
      checks: names.map((name) => ({
        name: folder === appFolder ? name : `${folder === "" ? "workspace root" : folder}: ${name}`,
        command: ["sh", "-c", textOf(byFolder.get(folder) ?? {}, name)],
      })),
    }));
}

function nearest(byFolder: ScriptsByFolder, place: string, kind: readonly string[]) {
  for (const folder of [place, ...(place === "" ? [] : parentsOf(place))]) {
    const script = scriptOf(byFolder.get(folder) ?? {}, kind);
    if (script !== undefined) return { folder, script };
  }
  return null;
}

function scriptOf(scripts: Scripts, kind: readonly string[]): string | undefined {
  return kind.find((name) => Object.hasOwn(scripts, name) && !/no test specified/.test(scripts[name] ?? ""));
}

/** As npm would: before, itself, after. */
function textOf(scripts: Scripts, name: string): string {
  return [`pre${name}`, name, `post${name}`]
    .flatMap((script) => (Object.hasOwn(scripts, script) ? [scripts[script]] : []))
    .join(" && ");
}
