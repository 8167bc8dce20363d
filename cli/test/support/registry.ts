import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { execa } from "execa";
import { packedManifest, type Packed } from "../../../scripts/pack-packages.ts";

export type Registry = AsyncDisposable & {
  url: string;
  /** Names of our own packages whose tarball was asked for. */
  fetched: string[];
};

/** A registry on loopback: our tarballs as they would be published, and everything else from the one npm is set up for. */
export async function openRegistry(packed: readonly Packed[]): Promise<Registry> {
  const { stdout } = await execa("npm", ["config", "get", "registry"]);
  const upstream = stdout.trim().replace(/\/$/, "");
  const fetched: string[] = [];
  const server = createServer((request, answer) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1);
    const url = `http://${request.headers.host}`;
    const ours = packed.find(({ name }) => path === name || path.startsWith(`${name}/-/`));
    if (!ours) return void passOn(upstream, request.url ?? "/", answer).catch(() => answer.destroy());
    if (path === ours.name) return answer.setHeader("content-type", "application/json").end(packument(ours, url));
    fetched.push(ours.name);
    answer.end(readFileSync(ours.file));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetched,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function packument({ name, version, file }: Packed, registryUrl: string): string {
  const integrity = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  const tarball = `${registryUrl}/${name}/-/${version}.tgz`;
  const manifest = { ...packedManifest(file), dist: { tarball, integrity } };
  return JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: manifest } });
}

async function passOn(upstream: string, path: string, answer: ServerResponse): Promise<void> {
  const response = await fetch(`${upstream}${path}`);
  const type = response.headers.get("content-type");
  answer.writeHead(response.status, type ? { "content-type": type } : {});
  answer.end(Buffer.from(await response.arrayBuffer()));
}
