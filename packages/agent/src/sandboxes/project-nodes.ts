import { createHash, timingSafeEqual } from "node:crypto";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { execa } from "execa";
import type { NodeRelease } from "../core/node-releases.ts";
import { ignoring } from "../platform/ignoring.ts";
import { installOnce, isThere } from "../platform/install-once.ts";
import type { ProjectNodes } from "../ports/project-nodes.ts";
import { insideNode } from "./install-tools.ts";

export type ProjectNodesDeps = {
  /** Through the machine's proxies. */
  fetch: typeof fetch;
  rootFolder: string;
  /** Where `tar` is found. */
  searchPath: string;
  registry: string;
  releases: readonly NodeRelease[];
};

const maxBytes = 256 * 1024 ** 2;
const seconds = 180;

/** Fetches Nodes from the npm registry into `<root>/tools`. Each is compared with its pinned hash before it is unpacked. */
export function projectNodes(deps: ProjectNodesDeps): ProjectNodes {
  return {
    releases: deps.releases,
    async fetch(release, signal) {
      if (process.arch !== "x64" && process.arch !== "arm64")
        return { problem: `the registry has none for ${process.arch}` };
      const target = join(deps.rootFolder, "tools", `project-node-${release.version}-2`);
      if (await isThere(target)) return { folder: target };
      const tarball = await download(deps, tarballOf(deps.registry, release, process.arch), signal);
      if ("problem" in tarball) return tarball;
      if (!isPinned(tarball.bytes, release.integrity[process.arch]))
        return { problem: `what ${hostOf(deps.registry)} sent is not the Node ${release.version} that is pinned` };
      const unpacking = (folder: string) => unpack(deps, { folder, bytes: tarball.bytes });
      return { folder: await installOnce(target, unpacking) };
    },
  };
}

function tarballOf(registry: string, { version }: NodeRelease, architecture: string): string {
  const name = `node-linux-${architecture}`;
  return new URL(`${name}/-/${name}-${version}.tgz`, registry).href;
}

function hostOf(registry: string): string {
  return new URL(registry).host;
}

async function download(
  { fetch, registry }: ProjectNodesDeps,
  url: string,
  signal: AbortSignal,
): Promise<{ bytes: Buffer } | { problem: string }> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) });
    if (!answer.ok || answer.body === null) return { problem: `${hostOf(registry)} answered ${answer.status}` };
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      length += chunk.length;
      if (length > maxBytes) return { problem: `${hostOf(registry)} sent more than any Node has` };
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks) };
  } catch (error) {
    signal.throwIfAborted();
    const cause = networkCause(error);
    if (!cause) throw error;
    return { problem: `${hostOf(registry)} cannot be reached: ${cause.detail}` };
  }
}

function isPinned(bytes: Buffer, integrity: string): boolean {
  const found = createHash("sha512").update(bytes).digest();
  const pinned = Buffer.from(integrity.replace(/^sha512-/, ""), "base64");
  return found.length === pinned.length && timingSafeEqual(found, pinned);
}

/** The program, and the headers that native add-ons compile against. npm stays the worker's, on the worker's Node: a newer npm does not start on an older Node. */
async function unpack({ searchPath }: ProjectNodesDeps, { folder, bytes }: { folder: string; bytes: Buffer }) {
  await execa("tar", ["-xzf", "-", "-C", folder, "--no-same-owner", "--exclude=package/share"], {
    input: bytes,
    env: { PATH: searchPath },
    extendEnv: false,
  });
  await mkdir(join(folder, "bin"));
  await rename(join(folder, "package/bin/node"), join(folder, "bin/node"));
  await rename(join(folder, "package/include"), join(folder, "include")).catch(ignoring("ENOENT"));
  await rm(join(folder, "package"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    const script = `${insideNode}/lib/node_modules/npm/bin/${name}-cli.js`;
    await writeFile(join(folder, "bin", name), `#!/bin/sh\nexec ${insideNode}/bin/node ${script} "$@"\n`);
    await chmod(join(folder, "bin", name), 0o755);
  }
  await chmod(join(folder, "bin/node"), 0o755);
}
