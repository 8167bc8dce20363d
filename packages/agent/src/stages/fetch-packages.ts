import type { InstallScript } from "@feedback-chat/protocol/evidence";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cacheFolders } from "../core/cache-folders.ts";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import { installFailure } from "../core/install-failure.ts";
import { parentsOf, pathIn } from "../core/tree-paths.ts";
import { withPathBefore } from "../core/with-path.ts";
import type { RunRepository } from "../ports/git.ts";
import type { ProjectNodes } from "../ports/project-nodes.ts";
import type { OpenRegistry } from "../ports/registry.ts";
import type { Sandbox, SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { fetchScript, insideProgram, programFolder, registrySocket } from "./fetch-script.ts";
import { findLayers, findPnpLayers, isFolder } from "./find-layers.ts";
import type { InstallPlan } from "./install-plan.ts";
import type { ProjectNode } from "./project-node.ts";
import { runInstallScripts } from "./run-install-scripts.ts";

export type FetchDeps = {
  sandbox: Sandbox;
  openRegistry: OpenRegistry;
  projectNodes: ProjectNodes | null;
  signal: AbortSignal;
};
export type FetchInput = {
  repository: RunRepository;
  /** Where the lockfile lies, and the packages are installed; "" is the root. */
  root: string;
  plan: InstallPlan;
  /** What the package manager runs on, besides npm. */
  node: ProjectNode;
  job: { name: string; slot: number };
  allowsPrivateRegistry: boolean;
  /** Whose install scripts run after the fetch. */
  installScripts: readonly string[];
};

const limits: SandboxLimits = {
  wallSeconds: 300,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  fileBytes: 512 * 1024 ** 2,
  scratchBytes: 2 * 1024 ** 3,
};

type Mount = { host: string; inside: string };
type Fetched = {
  job: SandboxJob;
  folders: Mount[];
  mounts: Mount[];
  binFolders: string[];
  installScripts: InstallScript[];
};

/**
 * Installs what the base's lockfile names, in a sandbox of its own whose only exit leads to the hosts of the lockfile.
 * Install scripts run after it and without that exit, those that the settings name. No credential of ours is there. The job stays open: its folders are the layers.
 */
export async function fetchPackages(
  { sandbox, openRegistry, projectNodes, signal }: FetchDeps,
  input: FetchInput,
): Promise<Fetched | { problem: string }> {
  const job = await sandbox.open(input.job);
  let isKept = false;
  try {
    await input.repository.exportTree(input.repository.baseSha, job.treeFolder);
    await cleanSettings(job.treeFolder, input);
    await job.own(job.treeFolder);
    const said = await install({ job, openRegistry, signal }, input);
    if (said !== null) return { problem: said };
    const layers = await layersIn(job.treeFolder, input);
    const scripts = { ...layers, names: input.installScripts, root: input.root, node: input.node };
    const installScripts = await runInstallScripts({ job, projectNodes, signal }, scripts);
    await makeCacheFolders(job, layers.folders);
    await openWays(job.treeFolder, [...layers.folders, ...layers.mounts]);
    isKept = true;
    return { job, ...layers, installScripts };
  } finally {
    if (!isKept) await job[Symbol.asyncDispose]();
  }
}

async function install(
  { job, openRegistry, signal }: Pick<FetchDeps, "openRegistry" | "signal"> & { job: SandboxJob },
  input: FetchInput,
): Promise<string | null> {
  await using proxy = await openRegistry({
    socketPath: join(job.socketFolder, registrySocket),
    hosts: input.plan.hosts,
    allowsPrivate: input.allowsPrivateRegistry,
  });
  if (proxy.certificates !== null) await job.writeTask(certificates, proxy.certificates);
  const root = input.root === "" ? insidePaths.tree : `${insidePaths.tree}/${input.root}`;
  const env = Object.entries(input.plan.env).map(([name, value]) => [name, value.replace("{root}", root)]);
  const run = job.run({
    argv: withPathBefore(input.node.binFolders, ["node", "-"]),
    workingFolder: root,
    env: {
      CI: "true",
      NO_COLOR: "1",
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "1",
      npm_config_fetch_retry_mintimeout: "1000",
      ...(proxy.certificates === null ? {} : trusted),
      ...Object.fromEntries(env),
    },
    stdin: fetchScript(input.plan),
    hasModelSocket: true,
    readOnlyMounts: input.node.mounts,
    limits,
    signal: AbortSignal.any([signal, proxy.atRefusal]),
  });
  const said: string[] = [];
  const read = async (stream: AsyncIterable<Uint8Array>) => {
    for await (const chunk of stream) {
      said.push(Buffer.from(chunk).toString("utf8"));
      if (said.length > 200) said.shift();
    }
  };
  await Promise.all([read(run.stdout), read(run.stderr)]);
  const end = await run.ended;
  signal.throwIfAborted();
  const [refused] = proxy.refused();
  if (refused) return `${input.plan.name.split(" ")[0]} asked for ${refused.host}, ${refusals[refused.why]}`;
  if (end.by === "exit" && end.exitCode === 0) return null;
  if (end.by !== "exit") return `${input.plan.name} was ended: ${end.detail}`;
  const unreached = proxy.unreached().map((host) => `\nNot reached: ${host}`);
  return `${input.plan.name} ended with ${end.exitCode}: ${installFailure(cleanText(said.join("")))}${unreached.join("")}`;
}

const certificates = "certificates.pem";
/** Node's programs read the first, programs of their own the second. */
const trusted = {
  NODE_EXTRA_CA_CERTS: `${insidePaths.task}/${certificates}`,
  SSL_CERT_FILE: `${insidePaths.task}/${certificates}`,
};

const refusals = {
  not_named:
    "which neither the lockfile nor the base's settings name. Name that registry in .npmrc, .yarnrc.yml or bunfig.toml.",
  not_public: "which has no public address. The worker's owner can open it: FEEDBACK_CHAT_REGISTRY_ALLOW.",
  not_resolved:
    "whose address only the proxy could know. The worker's owner can open it by its name: FEEDBACK_CHAT_REGISTRY_ALLOW.",
};

/** What other sandboxes mount: all packages, and the package manager for scripts that call it by name. */
async function layersIn(tree: string, { root, plan }: FetchInput): Promise<Omit<Fetched, "job" | "installScripts">> {
  const paths = plan.leaves === "pnp" ? await findPnpLayers(tree, root) : await findLayers(tree);
  const program = join(tree, programFolder);
  const hasProgram = await isFolder(program);
  const found = paths.map((path) => ({ host: join(tree, path), inside: `${insidePaths.tree}/${path}` }));
  const isModules = ({ inside }: Mount) => basename(inside) === "node_modules";
  const modules = pathIn(root, "node_modules");
  return {
    folders: found.filter(isModules),
    mounts: [
      ...found.filter((mount) => !isModules(mount)),
      ...(hasProgram ? [{ host: program, inside: insideProgram }] : []),
    ],
    binFolders: [
      ...(paths.includes(modules) ? [`${insidePaths.tree}/${modules}/.bin`] : []),
      ...(hasProgram ? [`${insideProgram}/bin`] : []),
    ],
  };
}

/** Empty, to be mounted over where the kernel has no overlays. */
async function makeCacheFolders(job: SandboxJob, folders: Mount[]): Promise<void> {
  for (const { host } of folders)
    for (const name of cacheFolders) {
      const isNew = (await mkdir(join(host, name), { recursive: true })) !== undefined;
      if (isNew) await job.own(join(host, name));
    }
}

/** Another job's user has to pass through to what is mounted; nobody can list these folders. */
async function openWays(tree: string, mounts: Mount[]): Promise<void> {
  const ways = new Set([dirname(tree)]);
  for (const { host } of mounts)
    for (let path = dirname(host); path.startsWith(tree) && !ways.has(path); path = dirname(path)) ways.add(path);
  for (const path of ways) await chmod(path, 0o711);
}

/** Settings of the base, without what is a secret, names a program or would move the install. */
async function cleanSettings(tree: string, { repository, root, plan }: FetchInput): Promise<void> {
  await rm(join(tree, programFolder), { recursive: true, force: true });
  for (const folder of root === "" ? [""] : [root, ...parentsOf(root)])
    for (const [name, clean] of Object.entries(plan.clean)) {
      const path = pathIn(folder, name);
      const base = await repository.readFile(repository.baseSha, path);
      await rm(join(tree, path), { force: true });
      if (base && clean) await writeFile(join(tree, path), clean(Buffer.from(base).toString("utf8")), { flag: "wx" });
    }
}
