import type { RunSettings } from "@feedback-chat/protocol/job";
import * as z from "zod";
import type { RunRepository } from "../ports/git.ts";
import { pathIn } from "./find-checks.ts";

/** What is mounted, read-only, into the sandboxes of agent and checks so that the project can be built there. */
export type Layers = {
  mounts: { host: string; inside: string }[];
  /** Inside paths that go before PATH. */
  binFolders: string[];
  /** Everything that the base needs is there; also true when it needs nothing. */
  isBuilt: boolean;
  /** For the evidence, such as "not built: …". */
  note: string | null;
};

const packageJson = z.object({
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});

/** Finds what the base commit needs. A project without dependencies needs nothing. */
export async function prepareDependencies(
  repository: RunRepository,
  settings: Pick<RunSettings, "subFolder">,
): Promise<Layers> {
  const manifest = await repository.readFile(
    repository.baseSha,
    pathIn(settings.subFolder, "package.json"),
  );
  if (!manifest || !hasDependencies(Buffer.from(manifest).toString("utf8"))) return nothingNeeded;
  return notBuilt("this worker cannot fetch dependencies");
}

export const nothingNeeded: Layers = { mounts: [], binFolders: [], isBuilt: true, note: null };

export function notBuilt(why: string): Layers {
  return { mounts: [], binFolders: [], isBuilt: false, note: `not built: ${why}` };
}

function hasDependencies(text: string): boolean {
  const parsed = packageJson.safeParse(jsonOrNothing(text));
  if (!parsed.success) return false;
  return Object.values(parsed.data).some((group) => Object.keys(group ?? {}).length > 0);
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
