import { chmod, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import type { RunRepository } from "../ports/git.ts";
import type { OpenRegistry } from "../ports/registry.ts";
import type { Sandbox, SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { fetchScript, insideProgram, programFolder, registrySocket } from "./fetch-script.ts";
import { pathIn } from "./find-checks.ts";
import { findLayers, isFolder } from "./find-layers.ts";
import type { InstallPlan } from "./plan-install.ts";

export type FetchDeps = { sandbox: Sandbox; openRegistry: OpenRegistry; signal: AbortSignal };
export type FetchInput = {
  repository: RunRepository;
  subFolder: string;
  plan: InstallPlan;
  job: { name: string; slot: number };
  allowsPrivateRegistry: boolean;
};

const limits: SandboxLimits = {
  wallSeconds: 300,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  fileBytes: 512 * 1024 ** 2,
  scratchBytes: 2 * 1024 ** 3,
};

type Fetched = {
  job: SandboxJob;
  mounts: { host: string; inside: string }[];
  binFolders: string[];
};

/**
 * Installs what the base's lockfile names, in a sandbox of its own whose only exit leads to the hosts of the lockfile.
 * No install script runs, no credential of ours is there. The job stays open: its folders are the layers.
 */
export async function fetchPackages(
  { sandbox, openRegistry, signal }: FetchDeps,
  input: FetchInput,
): Promise<Fetched | { problem: string }> {
  const job = await sandbox.open(input.job);
  let isKept = false;
  try {
    await input.repository.exportTree(input.repository.baseSha, job.treeFolder);
    await writeNpmrc(job.treeFolder, input);
    await job.own(job.treeFolder);
    const said = await install({ job, openRegistry, signal }, input);
    if (said !== null) return { problem: said };
    const root = pathIn(input.subFolder, "node_modules");
    if (!(await isFolder(join(job.treeFolder, root))))
      return { problem: `${input.plan.name.split(" ")[0]} left no node_modules` };
    const layers = await layersIn(job.treeFolder, root);
    await openWays(job.treeFolder, layers.mounts);
    isKept = true;
    return { job, ...layers };
  } finally {
    if (!isKept) await job[Symbol.asyncDispose]();
  }
}

async function install(
  { job, openRegistry, signal }: Omit<FetchDeps, "sandbox"> & { job: SandboxJob },
  input: FetchInput,
): Promise<string | null> {
  await using proxy = await openRegistry({
    socketPath: join(job.socketFolder, registrySocket),
    hosts: input.plan.hosts,
    allowsPrivate: input.allowsPrivateRegistry,
  });
  const folder = pathIn(input.subFolder, "");
  const run = job.run({
    argv: ["node", "-"],
    workingFolder: folder === "" ? insidePaths.tree : join(insidePaths.tree, folder),
    env: {
      CI: "true",
      NO_COLOR: "1",
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "1",
      npm_config_fetch_retry_mintimeout: "1000",
      // The version is ours or the base's: no program fetches another in its place.
      npm_config_manage_package_manager_versions: "false",
      pnpm_config_pm_on_fail: "ignore",
      YARN_IGNORE_PATH: "1",
    },
    stdin: fetchScript(input.plan),
    hasModelSocket: true,
    readOnlyMounts: [],
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
  const lines = cleanText(said.join(""))
    .split("\n")
    .filter((line) => line.trim() !== "");
  return end.by === "exit"
    ? `${input.plan.name} ended with ${end.exitCode}: ${lines.slice(0, 3).join(" ").slice(0, 300)}`
    : `${input.plan.name} was ended: ${end.detail}`;
}

const refusals = {
  not_named: "which neither the lockfile nor an .npmrc of the base names",
  not_public: "which has no public address",
};

/** What other sandboxes mount: all packages, and the package manager for scripts that call it by name. */
async function layersIn(tree: string, root: string): Promise<Pick<Fetched, "mounts" | "binFolders">> {
  const folders = await findLayers(tree);
  const program = join(tree, programFolder);
  const hasProgram = await isFolder(program);
  const mounts = folders.map((folder) => ({ host: join(tree, folder), inside: `${insidePaths.tree}/${folder}` }));
  return {
    mounts: [...mounts, ...(hasProgram ? [{ host: program, inside: insideProgram }] : [])],
    binFolders: [`${insidePaths.tree}/${root}/.bin`, ...(hasProgram ? [`${insideProgram}/bin`] : [])],
  };
}

/** Another job's user has to pass through to what is mounted; nobody can list these folders. */
async function openWays(tree: string, mounts: Fetched["mounts"]): Promise<void> {
  const ways = new Set([dirname(tree)]);
  for (const { host } of mounts)
    for (let path = dirname(host); path.startsWith(tree) && !ways.has(path); path = dirname(path)) ways.add(path);
  for (const path of ways) await chmod(path, 0o711);
}

/** Settings of the base, without what is a secret or would move the install; yarn's own can name another program. */
async function writeNpmrc(tree: string, { repository, subFolder, plan }: FetchInput): Promise<void> {
  await rm(join(tree, programFolder), { recursive: true, force: true });
  for (const folder of new Set(["", subFolder])) {
    await rm(join(tree, pathIn(folder, ".yarnrc")), { force: true });
    const path = pathIn(folder, ".npmrc");
    const base = await repository.readFile(repository.baseSha, path);
    await rm(join(tree, path), { force: true });
    if (base) await writeFile(join(tree, path), plan.cleanNpmrc(Buffer.from(base).toString("utf8")), { flag: "wx" });
  }
}
