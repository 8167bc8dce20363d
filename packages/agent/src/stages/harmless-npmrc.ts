/** Settings of a repository's .npmrc that decide what is installed, never with which credential. */
const settings = [
  ...["legacy-peer-deps", "strict-peer-deps", "install-links", "install-strategy", "force", "replace-registry-host"],
  ...["auto-install-peers", "dedupe-peer-dependents", "exclude-links-from-lockfile", "hoist", "hoist-pattern[]"],
  ...["hoist-workspace-packages", "inject-workspace-packages", "link-workspace-packages", "node-linker"],
  ...["prefer-workspace-packages", "public-hoist-pattern[]", "shamefully-hoist", "shared-workspace-lockfile"],
  ...["strict-peer-dependencies", "symlink"],
];

/** What stays of the base's .npmrc: harmless settings and registries. */
export function harmlessNpmrc(text: string): string {
  return linesOf(text)
    .filter(({ name, value }) => (settings.includes(name) || isRegistry(name)) && !value.includes("$"))
    .map(({ line }) => `${line}\n`)
    .join("");
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

function linesOf(text: string): { line: string; name: string; value: string }[] {
  return text.split(/\r?\n/).map((line) => {
    const [name = "", ...rest] = line.split("=");
    return { line, name: name.trim(), value: unquoted(rest.join("=").trim()) };
  });
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
