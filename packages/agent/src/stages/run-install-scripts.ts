import type { InstallScript } from "@feedback-chat/protocol/evidence";
import * as z from "zod";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import { withPathBefore } from "../core/with-path.ts";
import type { ProjectNodes } from "../ports/project-nodes.ts";
import type { SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { installScriptRunner, type RanScript } from "./install-script-runner.ts";
import type { ProjectNode } from "./project-node.ts";

export type InstallScriptsDeps = { job: SandboxJob; projectNodes: ProjectNodes | null; signal: AbortSignal };
export type InstallScriptsInput = {
  /** The project's setting: names of packages, and "." for the project itself. */
  names: readonly string[];
  /** Where the packages were installed; "" is the root of the tree. */
  root: string;
  /** Every node_modules. */
  folders: readonly { inside: string }[];
  binFolders: readonly string[];
  node: ProjectNode;
};

const limits: SandboxLimits = {
  wallSeconds: 600,
  memoryBytes: 3 * 1024 ** 3,
  processes: 512,
  fileBytes: 512 * 1024 ** 2,
  scratchBytes: 2 * 1024 ** 3,
};
const insideHeaders = "/opt/node-headers";
const maxAnswerChars = 1024 ** 2;

const answerSchema = z.array(
  z.object({ package: z.string(), script: z.string(), exitCode: z.int().nullable(), tail: z.string() }),
);

/**
 * Runs the install scripts that the project's settings allow, in the fetch sandbox after the fetch: without an exit, so
 * that a script has the packages and nothing else. What they leave in node_modules belongs to the layer.
 */
export async function runInstallScripts(
  { job, projectNodes, signal }: InstallScriptsDeps,
  { names, root, folders, binFolders, node }: InstallScriptsInput,
): Promise<InstallScript[]> {
  if (names.length === 0) return [];
  const insideRoot = root === "" ? insidePaths.tree : `${insidePaths.tree}/${root}`;
  const headers = await headersFor({ projectNodes, signal }, node);
  const run = job.run({
    argv: withPathBefore([...binFolders, ...node.binFolders], ["node", "-"]),
    workingFolder: insideRoot,
    env: {
      CI: "true",
      NO_COLOR: "1",
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      ...(headers.length > 0 ? { npm_config_nodedir: insideHeaders } : {}),
    },
    stdin: installScriptRunner({ names, root: insideRoot, folders: folders.map(({ inside }) => inside) }),
    readOnlyMounts: [...node.mounts, ...headers],
    limits,
    signal,
  });
  const [output, errors] = await Promise.all([endOf(run.stdout), endOf(run.stderr)]);
  const end = await run.ended;
  signal.throwIfAborted();
  const answer = answerSchema.safeParse(jsonOrNull(output.trimEnd().split("\n").at(-1) ?? ""));
  if (end.by === "exit" && end.exitCode === 0 && answer.success) return answer.data.map(scriptOf);
  const detail = cleanText(end.by === "exit" ? errors : end.detail).slice(-300) || "The scripts could not be run.";
  return names.map((name) => ({ package: name, script: "install", outcome: "failed", detail }));
}

/** For the evidence's note: what was allowed to run and did not end well; null when all did. */
export function noteOfScripts(scripts: readonly InstallScript[]): string | null {
  const failed = scripts.filter(({ outcome }) => outcome === "failed");
  if (failed.length === 0) return null;
  const named = failed.map(({ package: name, script, detail }) => `${nameOf(name)}, ${script}: ${detail}`);
  return `Install scripts failed. ${named.join(" · ")}`.slice(0, 2_000);
}

function nameOf(name: string): string {
  return name === "." ? "the project itself" : name;
}

function scriptOf({ package: name, script, exitCode, tail }: RanScript): InstallScript {
  if (script === "none" && exitCode === 0)
    return { package: name, script, outcome: "none", detail: "It has no install script." };
  if (exitCode === 0) return { package: name, script, outcome: "ran", detail: "" };
  const how = script === "none" ? "" : exitCode === null ? "It was ended. " : `Exit code ${exitCode}. `;
  return { package: name, script, outcome: "failed", detail: `${how}${cleanText(tail)}`.trim().slice(-300) };
}

/** Of the release with the same major: native add-ons compile against it, since a major has one binary interface. */
async function headersFor(
  { projectNodes, signal }: Pick<InstallScriptsDeps, "projectNodes" | "signal">,
  node: ProjectNode,
): Promise<{ host: string; inside: string }[]> {
  const major = node.version.split(".")[0];
  const release = projectNodes?.releases.findLast(({ version }) => version.split(".")[0] === major);
  const fetched = release && (await projectNodes?.fetch(release, signal));
  return fetched && "folder" in fetched ? [{ host: fetched.folder, inside: insideHeaders }] : [];
}

async function endOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let said = "";
  for await (const chunk of stream) said = (said + Buffer.from(chunk).toString("utf8")).slice(-maxAnswerChars);
  return said;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
