import type { InstallScript } from "@feedback-chat/protocol/evidence";
import type { RunSettings } from "@feedback-chat/protocol/job";
import * as z from "zod";
import { folderOf, pathIn } from "../core/tree-paths.ts";
import { workspaceMembers, workspacePatterns } from "../core/workspace.ts";
import type { RunRepository } from "../ports/git.ts";
import type { OpenRegistry } from "../ports/registry.ts";
import type { SandboxJob } from "../ports/sandbox.ts";
import { fetchPackages } from "./fetch-packages.ts";
import { findInstallRoot } from "./find-install-root.ts";
import { planInstall } from "./plan-install.ts";
import { ownNode, prepareNode, type ProjectNode, type ProjectNodeDeps } from "./project-node.ts";
import { jsonOf } from "./read-lockfile.ts";
import { noteOfScripts } from "./run-install-scripts.ts";
import { sealLayer } from "./seal-layer.ts";

/** What is mounted into the sandboxes of agent and checks so that the project can be built there. */
export type Layers = AsyncDisposable & {
  /** Every node_modules: can be written to in each sandbox, see `SandboxSpec.layers`. */
  folders: { host: string; inside: string }[];
  /** What is read-only: the package manager, and files. */
  mounts: { host: string; inside: string }[];
  /** As whose user the sandboxes run that write to the folders; null without any. */
  owner: SandboxJob | null;
  /** Inside paths that go before PATH. */
  binFolders: string[];
  /** What the project's programs run on. */
  node: ProjectNode;
  /** Of all that is mounted; null when it is not known: then nothing that ran with it is kept for later runs. */
  hash: string | null;
  /** That no sandbox changed the folders on the host. @throws Problem sandbox_leaks */
  requireUnbroken(): Promise<void>;
  /** Everything that the base needs is there; also true when it needs nothing. */
  isBuilt: boolean;
  /** For the evidence, such as "not built: …". */
  note: string | null;
  /** For the evidence: what the settings let run after the fetch. */
  installScripts: InstallScript[];
};

export type DependenciesDeps = ProjectNodeDeps & { openRegistry: OpenRegistry };
export type DependenciesInput = {
  repository: RunRepository;
  settings: Pick<RunSettings, "subFolder" | "installScripts">;
  /** Name and slot of the fetch sandbox. */
  job: { name: string; slot: number };
  /** A registry in the worker's own network may be reached. Default: public ones only. */
  allowsPrivateRegistry?: boolean;
};

const packageJson = z.object({
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
  workspaces: z.unknown().optional(),
});

/**
 * Fetches what the base's lockfile names, before any agent runs. A project without dependencies needs nothing. When it
 * cannot be done the run goes on, and `note` says so. Close it after the last sandbox that mounts it.
 */
export async function prepareDependencies(deps: DependenciesDeps, input: DependenciesInput): Promise<Layers> {
  const { repository } = input;
  const read = async (path: string) => textOf(await repository.readFile(repository.baseSha, path));
  const { node, note } = await prepareNode(deps, { ...input, read });
  const layers = await buildLayers(deps, { ...input, read, node });
  return { ...layers, node, note: [note, layers.note].filter((each) => each !== null).join("\n") || null };
}

type Building = DependenciesInput & { read(path: string): Promise<string | null>; node: ProjectNode };

async function buildLayers(deps: DependenciesDeps, { read, node, ...input }: Building): Promise<Layers> {
  const { repository } = input;
  const app = folderOf(input.settings.subFolder);
  const manifest = await read(pathIn(app, "package.json"));
  if (manifest === null) return nothingNeeded;
  const root = await findInstallRoot(read, app);
  const readRoot = (name: string) => read(pathIn(root, name));
  const rootManifest = jsonOf((await readRoot("package.json")) ?? "");
  const patterns = workspacePatterns(rootManifest, await readRoot("pnpm-workspace.yaml"));
  const isMember = root === app || workspaceMembers(patterns, [app.slice(pathIn(root, "").length)]).length > 0;
  const appNeeds = needsPackages(jsonOf(manifest));
  if (!appNeeds && patterns.length === 0 && !needsPackages(rootManifest)) return nothingNeeded;
  if (appNeeds && !isMember) return tell(deps, notInWorkspace(app, root));
  const plan = await planInstall({ read: readRoot, architecture: architectureOf(process.arch) }, rootManifest);
  if ("problem" in plan) return tell(deps, plan.problem);
  const ignored = plan.leaves === "pnp" ? await pnpTrouble(read, root) : null;
  if (ignored !== null) return tell(deps, ignored);
  const fetched = await fetchPackages(deps, {
    repository,
    root,
    plan,
    node,
    job: input.job,
    allowsPrivateRegistry: input.allowsPrivateRegistry ?? false,
    installScripts: input.settings.installScripts,
  });
  if ("problem" in fetched) return tell(deps, fetched.problem);
  const { folders, mounts, binFolders, installScripts } = fetched;
  for (const { package: name, script, outcome } of installScripts)
    deps.log(outcome === "failed" ? "warn" : "info", `Install script ${script} of ${name}: ${outcome}.`);
  const seal = await sealLayer([...folders, ...mounts].map(({ host }) => host));
  return {
    folders,
    mounts,
    owner: fetched.job,
    binFolders,
    node,
    ...seal,
    isBuilt: true,
    note: noteOfScripts(installScripts),
    installScripts,
    [Symbol.asyncDispose]: () => fetched.job[Symbol.asyncDispose](),
  };
}

const nothing = {
  folders: [],
  mounts: [],
  owner: null,
  binFolders: [],
  node: ownNode,
  installScripts: [],
  requireUnbroken: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

export const nothingNeeded: Layers = { ...nothing, hash: "nothing", isBuilt: true, note: null };

export function notBuilt(why: string): Layers {
  return { ...nothing, hash: null, isBuilt: false, note: `not built: ${why}` };
}

function tell({ log }: DependenciesDeps, why: string): Layers {
  log("warn", `Dependencies not built: ${why}`);
  return notBuilt(why);
}

function needsPackages(manifest: unknown): boolean {
  const parsed = packageJson.safeParse(manifest);
  if (!parsed.success) return false;
  const { workspaces, ...groups } = parsed.data;
  return workspaces !== undefined || Object.values(groups).some((group) => Object.keys(group ?? {}).length > 0);
}

function notInWorkspace(app: string, root: string): string {
  const place = root === "" ? "the root" : root;
  return `${app}/package.json has no lockfile beside it, and the workspace of ${place} does not list ${app}. Commit a lockfile there, or add the folder to the workspace.`;
}

/** Its table is mounted as a file: where nothing ignores it, the file would count as part of the change. */
async function pnpTrouble(read: (path: string) => Promise<string | null>, root: string): Promise<string | null> {
  if ((await read(pathIn(root, ".pnp.cjs"))) !== null) return null;
  const rules = await Promise.all(["", root].map((folder) => read(pathIn(folder, ".gitignore"))));
  const isIgnored = rules.some((text) => /^(\/|\*\*\/)?\.pnp(\.?\*|\.\{.*\}|\.c?js)\s*$/m.test(text ?? ""));
  return isIgnored ? null : `.pnp.cjs is neither committed nor ignored. Add \`.pnp.*\` to .gitignore.`;
}

function architectureOf(arch: string): "x64" | "arm64" {
  return arch === "arm64" ? "arm64" : "x64";
}

function textOf(bytes: Uint8Array | null): string | null {
  return (
    bytes &&
    Buffer.from(bytes)
      .toString("utf8")
      .replace(/^\ufeff/, "")
  );
}
