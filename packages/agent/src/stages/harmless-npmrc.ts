/** Settings of a repository's .npmrc that decide what is installed, never with which credential. */
const npmSettings = ["legacy-peer-deps", "strict-peer-deps", "install-links", "install-strategy", "force"];
const pnpmSettings = [
  ...["auto-install-peers", "dedupe-peer-dependents", "exclude-links-from-lockfile", "hoist", "hoist-pattern[]"],
  ...["hoist-workspace-packages", "inject-workspace-packages", "link-workspace-packages", "node-linker"],
  ...["prefer-workspace-packages", "public-hoist-pattern[]", "shamefully-hoist", "shared-workspace-lockfile"],
  ...["strict-peer-dependencies", "symlink"],
];

/** npm's lockfile says where each package comes from: a registry named here would only move it. */
export function harmlessNpmrc(text: string): string {
  return kept(text, (name) => npmSettings.includes(name));
}

/** The others' lockfiles leave the registry to this file of the same commit. */
export function harmlessNpmrcWithRegistries(text: string): string {
  return kept(text, (name) => pnpmSettings.includes(name) || isRegistry(name));
}

/** The registries that a .npmrc names: the usual one, and those of scopes. */
export function registriesOf(text: string): { usual: string | null; all: string[] } {
  const named = linesOf(text).filter(({ name, value }) => isRegistry(name) && !value.includes("$"));
  return {
    usual: named.findLast(({ name }) => name === "registry")?.value ?? null,
    all: named.map(({ value }) => value),
  };
}

function isRegistry(name: string): boolean {
  return name === "registry" || /^@[\w.-]+:registry$/.test(name);
}

function kept(text: string, isKept: (name: string) => boolean): string {
  return linesOf(text)
    .filter(({ name, value }) => isKept(name) && !value.includes("$"))
    .map(({ line }) => `${line}\n`)
    .join("");
}

function linesOf(text: string): { line: string; name: string; value: string }[] {
  return text.split(/\r?\n/).map((line) => {
    const [name = "", ...rest] = line.split("=");
    return { line, name: name.trim(), value: rest.join("=").trim() };
  });
}
