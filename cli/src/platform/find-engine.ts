import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { CommandContext } from "../command.ts";
import { engineLock, engineVersion } from "../core/engine-lock.ts";
import { ignoring } from "./ignoring.ts";
import { findPart, type Part } from "./find-part.ts";

type Deps = Pick<CommandContext, "terminal" | "config" | "folder" | "version" | "signal">;

/**
 * The coding agent's program, as the variable that the agent reads: the user's own choice, else the pinned version
 * beside the agent, in the project or in the cache; fetched there once, by our checksums, if it is nowhere. Nothing for
 * another engine.
 * @throws Problem package_missing
 */
export async function findEngineFor(deps: Deps, agent: Part, isOffline: boolean): Promise<Record<string, string>> {
  const { all } = deps.config;
  if (all["FEEDBACK_CHAT_ENGINE_PATH"] || all["FEEDBACK_CHAT_ENGINE_COMMAND"]) return {};
  const part = await findPart({ ...deps, folder: agent.folder }, "@anthropic-ai/claude-code", isOffline, {
    version: engineVersion,
    lock: () => engineLock({ platform: process.platform, arch: process.arch, isMusl: isMusl() }),
  });
  const programs = ["claude.exe", "claude"].map((name) => join(part.folder, "bin", name));
  return { FEEDBACK_CHAT_ENGINE_PATH: programs.find(isProgram) ?? programs[0]! };
}

/** Node names the C library that it runs on only where that is glibc. */
function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

function isProgram(path: string): boolean {
  return ignoring(["ENOENT", "EACCES"], () => {
    accessSync(path, constants.X_OK);
    return true;
  }, false); // prettier-ignore
}
