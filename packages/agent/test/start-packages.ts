import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Content, put, type TestFolder } from "./git/make-repository.ts";

type Scripts = Record<string, string>;

/** A registry on loopback with packages of these scripts; `PORT` in a script is its own port. */
export async function startPackages(folder: TestFolder, packages: Record<string, Scripts>) {
  const tarballs = new Map<string, Buffer>();
  const requests: string[] = [];
  const server = createServer((request, answer) => {
    requests.push(request.url ?? "");
    const bytes = tarballs.get(request.url ?? "");
    answer.writeHead(bytes ? 200 : 404).end(bytes);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const locked: Record<string, object> = {};
  for (const [name, given] of Object.entries(packages)) {
    const scripts = Object.fromEntries(
      Object.entries(given).map(([event, text]) => [event, text.replace("PORT", String(port))]),
    );
    put(folder.path, `packages/${name}/package/package.json`, JSON.stringify({ name, version: "1.0.0", scripts }));
    const file = folder.at(`${name}.tgz`);
    execFileSync("tar", ["-czf", file, "-C", folder.at(`packages/${name}`), "package"]);
    const bytes = readFileSync(file);
    tarballs.set(`/${name}.tgz`, bytes);
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const resolved = `http://127.0.0.1:${port}/${name}.tgz`;
    locked[`node_modules/${name}`] = { version: "1.0.0", resolved, integrity, hasInstallScript: true };
  }
  const dependencies = Object.fromEntries(Object.keys(packages).map((name) => [name, "1.0.0"]));
  return {
    requests,
    /** The files of a project that depends on all of them. */
    project(more: object = {}): Record<string, Content> {
      const root = { name: "shop", version: "1.0.0", dependencies };
      const lock = {
        name: "shop",
        version: "1.0.0",
        lockfileVersion: 3,
        requires: true,
        packages: { "": root, ...locked },
      };
      return { "package.json": JSON.stringify({ ...root, ...more }), "package-lock.json": JSON.stringify(lock) };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
