import { cp, lstat, mkdir, readlink, realpath, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";
import { installOnce, isThere, placeBinary } from "../platform/install-once.ts";
import type { Walls } from "./bwrap-arguments.ts";

/** Where Node stands inside. */
export const insideNode = "/opt/node";

export type Toolchain = {
  node: { host: string; inside: string };
  system: Walls["system"];
  etc: Walls["etc"];
};

/**
 * Puts what is mounted into the sandbox below `<root>/tools`, once: Node as it runs us, npm if there is one,
 * and an /etc that tells nothing. A binary in a home or in a package folder is never mounted from there.
 */
export async function installTools(deps: {
  rootFolder: string;
  nodePath: string;
  npmFolder: string | null;
}): Promise<Toolchain> {
  const tools = join(deps.rootFolder, "tools");
  const name = `node-${process.versions.node}${deps.npmFolder ? "-npm" : ""}`;
  const node = await installOnce(join(tools, name), async (folder) => {
    await mkdir(join(folder, "bin"));
    await placeBinary(deps.nodePath, join(folder, "bin", "node"));
    if (deps.npmFolder) await placeNpm(deps.npmFolder, folder);
  });
  const etc = await installOnce(join(tools, "etc-1"), async (folder) => {
    for (const [file, text] of Object.entries(etcFiles)) await writeFile(join(folder, file), text, { mode: 0o644 });
  });
  return {
    node: { host: node, inside: insideNode },
    system: await systemFolders(),
    etc: await etcMounts(etc),
  };
}

/** The folder of the npm that belongs to a Node, or of the first one on the search path; null without any. */
export async function findNpm({
  nodePath,
  searchPath,
}: {
  nodePath: string;
  searchPath: string;
}): Promise<string | null> {
  const beside = join(dirname(await realpath(nodePath)), "..", "lib", "node_modules", "npm");
  const onPath = await Promise.all(
    searchPath
      .split(":")
      .filter(Boolean)
      .map((folder) => npmBehind(join(folder, "npm"))),
  );
  for (const folder of [beside, ...onPath])
    if (folder !== null && (await isThere(join(folder, "bin", "npm-cli.js")))) return realpath(folder);
  return null;
}

async function npmBehind(command: string): Promise<string | null> {
  const script = await realpath(command).catch(ignoring("ENOENT", "ENOTDIR", "EACCES"));
  return script !== undefined && basename(script) === "npm-cli.js" ? dirname(dirname(script)) : null;
}

async function placeNpm(npmFolder: string, folder: string): Promise<void> {
  await mkdir(join(folder, "lib", "node_modules"), { recursive: true });
  await cp(npmFolder, join(folder, "lib", "node_modules", "npm"), {
    recursive: true,
    dereference: false,
  });
  for (const name of ["npm", "npx"])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, "bin", name));
}

const etcFiles = {
  passwd: "agent:x:1000:1000:agent:/home/agent:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  group: "agent:x:1000:\nnogroup:x:65534:\n",
  hosts: "127.0.0.1 localhost\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
};

/** Files of the host's that programs need to start and that say nothing about it. */
const harmlessEtc = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/localtime",
];

async function etcMounts(ours: string): Promise<Walls["etc"]> {
  const synthetic = Object.keys(etcFiles).map((file) => ({
    host: join(ours, file),
    inside: `/etc/${file}`,
  }));
  const present = await Promise.all(harmlessEtc.map(isThere));
  return [
    ...synthetic,
    ...harmlessEtc.filter((_, index) => present[index]).map((path) => ({ host: path, inside: path })),
  ];
}

async function systemFolders(): Promise<Walls["system"]> {
  const folders: Walls["system"] = [];
  for (const path of ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const facts = await lstat(path).catch(ignoring("ENOENT"));
    if (facts) folders.push({ path, linkTo: facts.isSymbolicLink() ? await readlink(path) : null });
  }
  return folders;
}
