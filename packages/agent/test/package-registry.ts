import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { put, type TestFolder } from "./git/make-repository.ts";

export type Registry = Awaited<ReturnType<typeof startRegistry>>;

/** A registry on loopback: one small package with an install script, and the real pnpm and both yarns, packed again. */
export async function startRegistry(folder: TestFolder) {
  put(
    folder.path,
    "pkg/package/package.json",
    JSON.stringify({
      name: "greeter",
      version: "1.0.0",
      bin: { greet: "greet.js" },
      scripts: { postinstall: "touch ran-postinstall" },
    }),
  );
  put(folder.path, "pkg/package/greet.js", { script: "#!/usr/bin/env node\nconsole.log('hello from the layer');\n" });
  const berry = installed("@yarnpkg/cli-dist");
  const tarballs = new Map([
    ["greeter", packed(folder, { name: "greeter", version: "1.0.0", source: folder.at("pkg/package") })],
    ["pnpm", packed(folder, installed("pnpm"))],
    ["yarn", packed(folder, installed("yarn"))],
    ["@yarnpkg/cli-dist", packed(folder, berry)],
  ]);
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, answer) => {
    const path = decodeURIComponent(request.url ?? "");
    requests.push({ path, authorization: request.headers.authorization });
    const found = tarballs.get(/^\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "");
    if (!found) return void answer.writeHead(404).end();
    if (path.endsWith(".tgz")) return void answer.end(found.bytes);
    answer.setHeader("content-type", "application/json");
    answer.end(JSON.stringify(packument(origin, found)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    requests,
    tarballs,
    /** As corepack hashes yarn 2 and later: its file, not its tarball. */
    programs: { berry: { version: berry.version, file: readFileSync(join(berry.source, "bin/yarn.js")) } },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Packed = { name: string; version: string; bytes: Buffer };

function packument(origin: string, { name, version, bytes }: Packed) {
  const dist = {
    tarball: `${origin}/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`,
    integrity: integrityOf(bytes),
  };
  const versions = { [version]: { name, version, dist } };
  return { name, "dist-tags": { latest: version }, versions, time: { [version]: "2020-01-01T00:00:00.000Z" } };
}

export const integrityOf = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

function installed(name: string): { name: string; version: string; source: string } {
  const source = fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url));
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { version: string };
  return { name, version, source };
}

function packed(folder: TestFolder, { name, version, source }: ReturnType<typeof installed>): Packed {
  const file = folder.at(`${name.replace("/", "+")}.tgz`);
  execFileSync("tar", ["-chzf", file, "--exclude=node_modules/.bin", `--transform=s#^\\.#package#`, "-C", source, "."]);
  return { name, version, bytes: readFileSync(file) };
}
