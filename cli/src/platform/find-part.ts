import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext } from "../command.ts";
import { progressBar } from "../core/progress-bar.ts";
import { folderSize } from "./folder-size.ts";

/** The heavy parts, which the light CLI starts but does not contain. */
export const parts = {
  "@feedback-chat/control-plane": {
    sizeMb: 60,
    what: "the control plane with its embedded database",
  },
  "@feedback-chat/agent": { sizeMb: 15, what: "the worker's pipeline" },
  "@feedback-chat/demo": { sizeMb: 2, what: "the demo's local GitHub and model" },
  "@anthropic-ai/claude-code": { sizeMb: 370, what: "the coding agent" },
} as const;
export type PartName = keyof typeof parts;

type Deps = Pick<CommandContext, "terminal" | "config" | "folder" | "version" | "signal">;
/** A version that is not ours, and the files that let npm take exactly its bytes. */
export type Pin = { version: string; lock: () => { manifest: object; lock: object } };
export type Part = {
  folder: string;
  resolve(entry: string): string;
  load<T>(entry: string): Promise<T>;
};

/**
 * Finds a part of exactly our version, or of the pinned one: in the project, beside the CLI, in the user's cache; else
 * installs it there once, after one sentence that says what and how large, with a bar at a terminal.
 * @throws Problem package_missing with --offline, or when the registry cannot be reached.
 */
export async function findPart(
  { terminal, config, folder, version, signal }: Deps,
  name: PartName,
  isOffline: boolean,
  pin?: Pin,
): Promise<Part> {
  const wanted = pin?.version ?? version;
  const cached = join(config.cacheFolder, "parts", `${name.replace("/", "+")}@${wanted}`);
  for (const from of [join(folder, "package.json"), import.meta.filename, join(cached, "package.json")]) {
    const found = lookFrom(from, name, wanted);
    if (found) return found;
  }
  const { sizeMb, what } = parts[name];
  if (isOffline) {
    throw new Problem(
      "package_missing",
      `${name}@${wanted} (${what}) is not installed, and --offline forbids to fetch it.`,
      { next: `Run once without --offline, or: npm install ${name}@${wanted}` },
    );
  }
  const locked = pin?.lock();
  terminal.say(`Fetching ${name}@${wanted}, ${what}: about ${sizeMb} MB, once, into ${cached}`);
  await install({ signal, terminal }, { name, version: wanted, into: cached, locked });
  const installed = lookFrom(join(cached, "package.json"), name, wanted);
  if (!installed)
    throw new Problem("package_missing", `${name}@${wanted} was fetched but cannot be found in ${cached}.`);
  return installed;
}

function lookFrom(from: string, name: PartName, version: string): Part | undefined {
  const require = createRequire(pathToFileURL(from));
  let manifest: string;
  try {
    manifest = require.resolve(`${name}/package.json`);
  } catch (error) {
    if (["MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
  if ((JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version !== version) return undefined;
  const resolve = (entry: string) => require.resolve(`${name}/${entry}`);
  return {
    folder: dirname(manifest),
    resolve,
    load: async (entry) => import(pathToFileURL(resolve(entry)).href),
  };
}

type InstallDeps = Pick<Deps, "signal" | "terminal">;
type Wanted = { name: PartName; version: string; into: string; locked: ReturnType<Pin["lock"]> | undefined };

/** Into a temporary folder, then renamed: a part is there whole or not at all. Install scripts stay off, but for the engine's. */
async function install({ signal, terminal }: InstallDeps, { name, version, into, locked }: Wanted): Promise<void> {
  const { execa } = await import("execa");
  mkdirSync(dirname(into), { recursive: true, mode: 0o700 });
  const temporary = mkdtempSync(`${into}.new-`);
  using _ = showProgress(terminal, temporary, parts[name].sizeMb);
  try {
    const manifest = locked?.manifest ?? { private: true, dependencies: { [name]: version } };
    writeFileSync(join(temporary, "package.json"), JSON.stringify(manifest));
    if (locked) writeFileSync(join(temporary, "package-lock.json"), JSON.stringify(locked.lock));
    // The engine's package places its own binary by a postinstall: of bytes that are pinned.
    const how = locked ? ["ci"] : ["install", "--omit=dev", "--ignore-scripts"];
    const { exitCode, stderr } = await execa("npm", [...how, "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: temporary,
      reject: false,
      stdin: "ignore",
      cancelSignal: signal,
    });
    signal.throwIfAborted();
    if (exitCode !== 0) throw notFetched(`${name}@${version}`, stderr);
    if (existsSync(into)) rmSync(into, { recursive: true });
    renameSync(temporary, into);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** npm unpacks while it reads, so what lies there already tells how far it is. */
function showProgress(terminal: Deps["terminal"], folder: string, sizeMb: number): Disposable {
  const draw = () => terminal.show(progressBar(folderSize(folder) / 1_000_000, sizeMb));
  draw();
  const timer = setInterval(draw, 250);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      terminal.show("");
    },
  };
}

function notFetched(what: string, stderr: string): Problem {
  if (stderr.includes("EINTEGRITY"))
    return new Problem(
      "package_missing",
      `The registry gave other bytes for ${what} than those that we pinned. Nothing of it was kept or run.`,
      { next: "Ask whoever runs your registry or its mirror; `npm config get registry` names it." },
    );
  const said = stderr.split("\n").slice(0, 3).join(" ").slice(0, 300);
  return new Problem("package_missing", `${what} could not be fetched: ${said}`);
}
