import type { RunSettings } from "@feedback-chat/protocol/job";
import * as z from "zod";
import type { RunRepository } from "../ports/git.ts";

export type Check = { name: string; command: string[] };

/** The scripts that judge a change, in the order in which they run: quick ones first. */
const scriptNames = ["lint", "typecheck", "type-check", "test", "build"];

const packageJson = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/**
 * The commands that judge the change: the project's own, else the text of the base commit's scripts. Never what the
 * diff says: a changed package.json changes nothing about how it is judged.
 */
export async function findChecks(
  repository: RunRepository,
  settings: Pick<RunSettings, "checks" | "subFolder">,
): Promise<Check[]> {
  if (settings.checks) return settings.checks;
  const bytes = await repository.readFile(repository.baseSha, pathIn(settings.subFolder, "package.json"));
  const { scripts = {} } = bytes ? scriptsOf(Buffer.from(bytes).toString("utf8")) : {};
  return scriptNames.flatMap((name) => {
    // As npm would: before, itself, after.
    const texts = [`pre${name}`, name, `post${name}`]
      .map((script) => scripts[script])
      .filter((text) => text !== undefined);
    const isThere = scripts[name] !== undefined && !/no test specified/.test(scripts[name]);
    return isThere ? [{ name, command: ["sh", "-c", texts.join(" && ")] }] : [];
  });
}

export function pathIn(subFolder: string, path: string): string {
  const folder = subFolder.replace(/^\.?\/+|\/+$/g, "").replace(/^\.$/, "");
  return folder === "" ? path : `${folder}/${path}`;
}

function scriptsOf(text: string): z.infer<typeof packageJson> {
  const parsed = packageJson.safeParse(jsonOrNothing(text));
  return parsed.success ? parsed.data : {};
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
