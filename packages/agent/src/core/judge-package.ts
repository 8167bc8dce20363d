import { compareLines, type TextLine } from "./compare-lines.ts";

export type PackageFinding = {
  code: "dependencies" | "scripts" | "package_settings";
  line: number | null;
  detail: string;
};

const dependencyMembers = [
  "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "bundleDependencies", "bundledDependencies",
  "dependenciesMeta", "peerDependenciesMeta", "overrides", "resolutions", "catalog", "catalogs", "trustedDependencies",
]; // prettier-ignore
/** All other members steer something: package managers, runtimes, and every tool that keeps its configuration here. */
const harmlessMembers = new Set([
  "name", "version", "description", "keywords", "author", "contributors", "maintainers", "license", "homepage", "bugs",
  "repository", "funding",
]); // prettier-ignore

/** What a change of package.json makes run, or fetches, with the line where it stands. An unreadable one is a finding too. */
export function judgePackage(before: string | null, after: string | null): PackageFinding[] {
  if (after === null) return [{ code: "package_settings", line: null, detail: "package.json is deleted" }];
  const now = objectIn(after);
  if (now === null) return [{ code: "package_settings", line: null, detail: "package.json cannot be read" }];
  const then = (before === null ? null : objectIn(before)) ?? {};
  const lines = { added: compareLines(before ?? "", after).added, all: compareLines("", after).added };
  const members = [...new Set([...Object.keys(now), ...Object.keys(then)])];
  return members
    .filter((name) => !harmlessMembers.has(name) && JSON.stringify(then[name]) !== JSON.stringify(now[name]))
    .map((name) => {
      const names = namesOf(then[name], now[name]);
      const line = lineOf(lines, name, names);
      const shown = names.map((one) => one.slice(0, 100)).slice(0, 10).join(", ") || "changed";
      if (dependencyMembers.includes(name)) return { code: "dependencies", line, detail: `${name}: ${shown}` };
      if (name === "scripts") return { code: "scripts", line, detail: `${name}: ${shown}` };
      return { code: "package_settings", line, detail: `${name.slice(0, 100)} changed` };
    }); // prettier-ignore
}

/** Where a new or changed name stands; for one that is gone, where its member does. */
function lineOf(lines: { added: TextLine[]; all: TextLine[] }, member: string, names: string[]): number | null {
  const has = (name: string) => (line: TextLine) => line.text.includes(JSON.stringify(name));
  const changed = names.map((name) => lines.added.find(has(name))).find((line) => line !== undefined);
  return (changed ?? lines.added.find(has(member)) ?? lines.all.find(has(member)))?.line ?? null;
}

function namesOf(then: unknown, now: unknown): string[] {
  const [before, after] = [asObject(then) ?? {}, asObject(now) ?? {}];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text.replace(/^\ufeff/, "")));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
