/** The command with these folders before all others on PATH: a project's own programs win. */
export function withPathBefore(folders: readonly string[], argv: readonly string[]): string[] {
  return withPath('"$1:$PATH"', folders, argv);
}

/** The command with these folders after all others on PATH: the system's programs stay what they are. */
export function withPathAfter(folders: readonly string[], argv: readonly string[]): string[] {
  return withPath('"$PATH:$1"', folders, argv);
}

function withPath(path: string, folders: readonly string[], argv: readonly string[]): string[] {
  if (folders.length === 0) return [...argv];
  return ["/bin/sh", "-c", `PATH=${path}; export PATH; shift; exec "$@"`, "sh", folders.join(":"), ...argv];
}
