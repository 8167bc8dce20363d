import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type { RunSettings } from "@feedback-chat/protocol/job";
import { chooseNode, told, wantedNode, type WantedNode } from "../core/choose-node.ts";
import { folderOf, pathIn } from "../core/tree-paths.ts";
import type { NodeRelease } from "../core/node-releases.ts";
import type { Level } from "../ports/engine.ts";
import type { ProjectNodes } from "../ports/project-nodes.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import { findInstallRoot } from "./find-install-root.ts";
import { jsonOf } from "./read-lockfile.ts";

/** The Node that a project's programs run on. */
export type ProjectNode = {
  version: string;
  /** Nothing where it is the worker's own, which is always there. */
  mounts: { host: string; inside: string }[];
  /** Before PATH, so that it comes before the worker's own. */
  binFolders: string[];
};

export type ProjectNodeDeps = {
  sandbox: Sandbox;
  /** null = no other Node is ever fetched. */
  projectNodes: ProjectNodes | null;
  signal: AbortSignal;
  log(level: Level, message: string): void;
};
export type ProjectNodeInput = {
  /** Reads a file of the base commit; null when it is not there. */
  read(path: string): Promise<string | null>;
  settings: Pick<RunSettings, "subFolder">;
  job: { name: string; slot: number };
};

export const ownNode: ProjectNode = { version: process.versions.node, mounts: [], binFolders: [] };
const inside = "/opt/project-node";

/**
 * The Node that the base commit asks for, in the app's folder or where its packages are installed. `note` says why the
 * run uses another one; null when it does not.
 */
export async function prepareNode(
  deps: ProjectNodeDeps,
  input: ProjectNodeInput,
): Promise<{ node: ProjectNode; note: string | null }> {
  const wanted = await readWanted(input);
  if (wanted === null) return { node: ownNode, note: null };
  const choice = chooseNode(wanted, ownNode.version, deps.projectNodes?.releases ?? []);
  const made = choice.use === "release" ? await fetchNode(deps, input, choice.release) : { node: ownNode };
  const [node, note] =
    "problem" in made
      ? [ownNode, told(wanted, ownNode.version, `Node ${made.version} is not there: ${made.problem}.`)]
      : [made.node, choice.note];
  if (note !== null) deps.log("warn", note);
  else if (node !== ownNode)
    deps.log("info", `Node ${node.version}: the project wants ${wanted.text} (${wanted.source}).`);
  return { node, note };
}

async function readWanted({ read, settings }: ProjectNodeInput): Promise<WantedNode | null> {
  const app = folderOf(settings.subFolder);
  for (const folder of new Set([app, await findInstallRoot(read, app)])) {
    const wanted = wantedNode({
      nvmrc: await read(pathIn(folder, ".nvmrc")),
      nodeVersion: await read(pathIn(folder, ".node-version")),
      packageJson: jsonOf((await read(pathIn(folder, "package.json"))) ?? ""),
    });
    if (wanted) return wanted;
  }
  return null;
}

type Made = { node: ProjectNode } | { version: string; problem: string };

async function fetchNode(
  { projectNodes, sandbox, signal }: ProjectNodeDeps,
  { job }: ProjectNodeInput,
  { version, ...release }: NodeRelease,
): Promise<Made> {
  const fetched = await projectNodes?.fetch({ version, ...release }, signal);
  if (!fetched) return { node: ownNode };
  if ("problem" in fetched) return { version, problem: fetched.problem };
  const node = { version, mounts: [{ host: fetched.folder, inside }], binFolders: [`${inside}/bin`] };
  const said = await firstWords(sandbox, { node, job, signal });
  return said === `v${version}` ? { node } : { version, problem: `it does not start on this machine: ${said}` };
}

/** Another processor or C library than it was built for is found out here, and not in the project's checks. */
async function firstWords(
  sandbox: Sandbox,
  { node, job, signal }: { node: ProjectNode; job: ProjectNodeInput["job"]; signal: AbortSignal },
): Promise<string> {
  await using opened = await sandbox.open({ ...job, name: `${job.name}-node` });
  const run = opened.run({
    argv: [`${inside}/bin/node`, "--version"],
    env: {},
    stdin: "",
    readOnlyMounts: node.mounts,
    limits: { wallSeconds: 60, memoryBytes: 1024 ** 3, processes: 64, fileBytes: 1024 ** 2, scratchBytes: 1024 ** 2 },
    signal,
  });
  const [output, errors] = await Promise.all([text(run.stdout as Readable), text(run.stderr as Readable), run.ended]);
  signal.throwIfAborted();
  return (output.trim() || errors.trim() || "it said nothing").split("\n")[0]?.slice(0, 200) ?? "";
}
