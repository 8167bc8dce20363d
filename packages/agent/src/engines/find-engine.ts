import { access, constants, open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { Problem } from "@feedback-chat/protocol/problem";
import { ignoring } from "../platform/ignoring.ts";

/** The version that every fact about argv, traffic and failures was measured with. */
export const engineVersion = "2.1.329";

export type FindEngineDeps = {
  /** The user's own choice; nothing else is looked at then. */
  enginePath: string | null;
  /** Folders to look for `claude` in, as in PATH. */
  searchPath: string;
  /** The user's cache; an engine that was fetched lies there by version. */
  cacheFolder: string;
  /** Installs the pinned version into `folder` and returns the program's path; null = never fetch (offline). */
  fetchEngine: ((folder: string) => Promise<string>) | null;
};

export type FoundEngine = { path: string; version: string };

/**
 * Explicit path, then PATH (only the pinned version: flags differ between versions), then the cache, then a fetch.
 * @throws Problem engine_missing
 */
export async function findEngine(deps: FindEngineDeps): Promise<FoundEngine> {
  if (deps.enginePath !== null) return explicit(deps.enginePath);
  const cached = join(deps.cacheFolder, `claude-code-${engineVersion}`);
  const candidates = [
    ...deps.searchPath
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, "claude")),
    join(cached, "claude"),
  ];
  for (const path of candidates) {
    if ((await isProgram(path)) && (await versionOf(path)) === engineVersion) return { path, version: engineVersion };
  }
  if (deps.fetchEngine === null) {
    throw new Problem("engine_missing", `Claude Code ${engineVersion} is neither on PATH nor in ${cached}.`);
  }
  return { path: await deps.fetchEngine(cached), version: engineVersion };
}

/** A version that the user chose is used, whatever it is. */
async function explicit(path: string): Promise<FoundEngine> {
  const version = (await isProgram(path)) ? await versionOf(path) : null;
  if (version === null)
    throw new Problem("engine_missing", `There is no Claude Code at ${path}.`, {
      next: "Correct the path, or leave it out.",
    });
  return { path, version };
}

async function isProgram(path: string): Promise<boolean> {
  const answer = await access(path, constants.X_OK)
    .then(() => true)
    .catch(ignoring("ENOENT", "EACCES", "ENOTDIR"));
  return answer === true && !(await isScript(path));
}

/** A package manager's launcher answers with the right version, and works nowhere but where it lies. */
async function isScript(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return buffer.toString("latin1") === "#!";
}

async function versionOf(path: string): Promise<string | null> {
  const asked = await execa(path, ["--version"], {
    env: {},
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: 60_000,
  });
  return asked.exitCode === 0 ? (asked.stdout.match(/^\d+\.\d+\.\d+/)?.[0] ?? null) : null;
}
