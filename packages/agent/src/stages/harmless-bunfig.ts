const kept: Record<string, RegExp> = {
  install: /^(registry|linker|auto|peer|optional|dev|production|exact)$/,
  "install.scopes": /^@?[\w.-]+$/,
};

/**
 * What stays of the base's bunfig.toml: registries without credentials, and how packages are laid out. Scanners,
 * preloads and everything that is written in another form than one a line fall away.
 */
export function harmlessBunfig(text: string): string {
  return linesOf(text).reduce(
    (written, { section, line }, index, all) =>
      `${written}${section === all[index - 1]?.section ? "" : `[${section}]\n`}${line}\n`,
    "",
  );
}

/** The registries that it names: the usual one, and those of scopes. */
export function registriesOfBunfig(text: string): { usual: string | null; all: string[] } {
  const named = linesOf(text).filter(({ section, name }) => section === "install.scopes" || name === "registry");
  return {
    usual: named.findLast(({ section }) => section === "install")?.value ?? null,
    all: named.map(({ value }) => value),
  };
}

function linesOf(text: string): { section: string; name: string; value: string; line: string }[] {
  let section = "";
  return text.split(/\r?\n/).flatMap((line) => {
    section = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1]?.trim() ?? section;
    const [, name = "", text, bare] =
      /^\s*"?([@\w.-]+)"?\s*=\s*(?:"([^"$]*)"|(true|false))\s*(?:#.*)?$/.exec(line) ?? [];
    const value = text ?? bare;
    return value !== undefined && kept[section]?.test(name) ? [{ section, name, value, line: line.trim() }] : [];
  });
}
