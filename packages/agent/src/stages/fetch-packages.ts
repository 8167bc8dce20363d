import { chmod, lstat, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { RunRepository } from "../ports/git.ts";
import type { OpenRegistry, RegistryHost } from "../ports/registry.ts";
import type { Sandbox, SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { pathIn } from "./find-checks.ts";
import { harmlessNpmrc } from "./read-lockfile.ts";

export type FetchDeps = { sandbox: Sandbox; openRegistry: OpenRegistry; signal: AbortSignal };
export type FetchInput = {
  repository: RunRepository;
  subFolder: string;
  hosts: RegistryHost[];
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
const socketName = "registry.sock";

/**
 * Installs what the base's lockfile names, in a sandbox of its own whose only exit leads to the hosts of the lockfile.
 * No install script runs, no credential of ours is there. The job stays open: its folder is the layer.
 */
export async function fetchPackages(
  { sandbox, openRegistry, signal }: FetchDeps,
  input: FetchInput,
): Promise<{ job: SandboxJob; folder: string } | { problem: string }> {
  const job = await sandbox.open(input.job);
  let isKept = false;
  try {
    await input.repository.exportTree(input.repository.baseSha, job.treeFolder);
    await writeNpmrc(input.repository, job.treeFolder, input.subFolder);
    await job.own(job.treeFolder);
    const said = await install({ job, openRegistry, signal }, input);
    const folder = join(job.treeFolder, pathIn(input.subFolder, "node_modules"));
    if (said !== null) return { problem: said };
    if (!(await lstat(folder).catch(ignoring("ENOENT")))?.isDirectory()) return { problem: "npm left no node_modules" };
    // Another job's user has to pass through to what is mounted there; nobody can list these folders.
    for (const path of [dirname(job.treeFolder), job.treeFolder]) await chmod(path, 0o711);
    isKept = true;
    return { job, folder };
  } finally {
    if (!isKept) await job[Symbol.asyncDispose]();
  }
}

async function install(
  { job, openRegistry, signal }: Omit<FetchDeps, "sandbox"> & { job: SandboxJob },
  input: FetchInput,
): Promise<string | null> {
  await using proxy = await openRegistry({
    socketPath: join(job.socketFolder, socketName),
    hosts: input.hosts,
    allowsPrivate: input.allowsPrivateRegistry,
  });
  const folder = pathIn(input.subFolder, "");
  const run = job.run({
    argv: ["node", "-", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache=/tmp/npm"],
    workingFolder: folder === "" ? insidePaths.tree : join(insidePaths.tree, folder),
    env: {
      CI: "true",
      NO_COLOR: "1",
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "1",
      npm_config_fetch_retry_mintimeout: "1000",
    },
    stdin: forwarder,
    hasModelSocket: true,
    readOnlyMounts: [],
    limits,
    signal,
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
  if (end.by === "exit" && end.exitCode === 0) return null;
  const [refused] = proxy.refused();
  if (refused) return `npm asked for ${refused}, which the lockfile does not name or which is not public`;
  const lines = cleanText(said.join(""))
    .split("\n")
    .filter((line) => line.trim() !== "");
  return end.by === "exit"
    ? `npm ci ended with ${end.exitCode}: ${lines.slice(0, 3).join(" ").slice(0, 300)}`
    : `npm ci was ended: ${end.detail}`;
}

/** Inside: npm speaks TCP to a proxy, the exit is a unix socket. */
const forwarder = `
const net = require("node:net");
const { spawn } = require("node:child_process");
const server = net.createServer((client) => {
  const exit = net.connect("${insidePaths.sockets}/${socketName}");
  client.on("error", () => exit.destroy());
  exit.on("error", () => client.destroy());
  client.pipe(exit).pipe(client);
});
server.listen(0, "127.0.0.1", () => {
  const proxy = "http://127.0.0.1:" + server.address().port;
  const env = { ...process.env, npm_config_proxy: proxy, npm_config_https_proxy: proxy };
  const npm = spawn("npm", process.argv.slice(2), { stdio: ["ignore", "inherit", "inherit"], env });
  npm.on("error", (error) => { console.error(error.message); process.exit(127); });
  npm.on("exit", (code) => process.exit(code ?? 1));
});
`;

async function writeNpmrc(repository: RunRepository, tree: string, subFolder: string): Promise<void> {
  for (const path of new Set([".npmrc", pathIn(subFolder, ".npmrc")])) {
    const base = await repository.readFile(repository.baseSha, path);
    await rm(join(tree, path), { force: true });
    if (base)
      await writeFile(join(tree, path), harmlessNpmrc(Buffer.from(base).toString("utf8")), {
        flag: "wx",
      });
  }
}
