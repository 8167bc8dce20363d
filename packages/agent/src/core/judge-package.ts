export type PackageFinding = {
  code: "dependencies" | "scripts" | "package_settings";
  detail: string;
};

const dependencyMembers = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "bundleDependencies",
  "bundledDependencies",
  "overrides",
  "resolutions",
  "catalog",
  "catalogs",
];
const settingMembers = [
  "packageManager",
  "devEngines",
  "workspaces",
  "pnpm",
  "type",
  "imports",
  "exports",
  "main",
  "bin",
  "gypfile",
  "jest",
  "vitest",
  "eslintConfig",
  "babel",
  "browserslist",
];

/** What a change of package.json makes run, or fetches. An unreadable one is a finding too. */
export function judgePackage(before: string | null, after: string | null): PackageFinding[] {
  if (after === null) return [{ code: "package_settings", detail: "package.json is deleted" }];
  const now = objectIn(after);
  if (now === null) return [{ code: "package_settings", detail: "package.json cannot be read" }];
  const then = (before === null ? null : objectIn(before)) ?? {};
  return [
    ...changed(then, now, dependencyMembers).map((name) => ({
      code: "dependencies" as const,
      detail: `${name}: ${namesOf(then[name], now[name])}`,
    })),
    ...changed(then, now, ["scripts"]).map((name) => ({
      code: "scripts" as const,
      detail: `scripts: ${namesOf(then[name], now[name])}`,
    })),
    ...changed(then, now, settingMembers).map((name) => ({
      code: "package_settings" as const,
      detail: `${name} changed`,
    })),
  ];
}

function changed(then: Record<string, unknown>, now: Record<string, unknown>, names: string[]): string[] {
  return names.filter((name) => JSON.stringify(then[name]) !== JSON.stringify(now[name]));
}

function namesOf(then: unknown, now: unknown): string {
  const [before, after] = [asObject(then) ?? {}, asObject(now) ?? {}];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return names.slice(0, 10).join(", ") || "changed";
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
