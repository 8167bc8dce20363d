import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRegistryProxy } from "../src/proxy/registry-proxy.ts";
import { findNpm } from "../src/sandboxes/install-tools.ts";
import { prepareDependencies } from "../src/stages/deps.ts";
import { makeFolder, makeRepository, put, type Content, type TestFolder } from "./git/make-repository.ts";
import { openClone } from "./git/open-clone.ts";
import { inside, openSandbox } from "./open-sandbox.ts";

type Registry = Awaited<ReturnType<typeof startRegistry>>;

/** A registry on loopback: one small package with an install script, and the real pnpm and yarn, packed again. */
async function startRegistry(folder: TestFolder) {
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
  const tarballs = new Map([
    ["greeter", packed(folder, { name: "greeter", version: "1.0.0", source: folder.at("pkg/package") })],
    ["pnpm", packed(folder, installed("pnpm"))],
    ["yarn", packed(folder, installed("yarn"))],
  ]);
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, answer) => {
    const path = request.url ?? "";
    requests.push({ path, authorization: request.headers.authorization });
    const found = tarballs.get(path.split("/")[1] ?? "");
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
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Packed = { name: string; version: string; bytes: Buffer };

function packument(origin: string, { name, version, bytes }: Packed) {
  const dist = { tarball: `${origin}/${name}/-/${name}-${version}.tgz`, integrity: integrityOf(bytes) };
  const versions = { [version]: { name, version, dist } };
  return { name, "dist-tags": { latest: version }, versions, time: { [version]: "2020-01-01T00:00:00.000Z" } };
}

const integrityOf = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

function installed(name: string): { name: string; version: string; source: string } {
  const source = fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url));
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { version: string };
  return { name, version, source };
}

function packed(folder: TestFolder, { name, version, source }: ReturnType<typeof installed>): Packed {
  const file = folder.at(`${name}.tgz`);
  execFileSync("tar", ["-chzf", file, "--exclude=node_modules/.bin", `--transform=s#^\\.#package#`, "-C", source, "."]);
  return { name, version, bytes: readFileSync(file) };
}

const npmrc = (origin: string) =>
  `registry=${origin}/\n//127.0.0.1/:_authToken=\${SECRET_TOKEN}\nscript-shell=/work/evil\n`;
const manifestOf = (more: object) =>
  JSON.stringify({ name: "shop", version: "1.0.0", dependencies: { greeter: "1.0.0" }, ...more });

function pnpmProject({ origin, tarballs }: Registry, packageManager?: string): Record<string, Content> {
  const resolution = `{integrity: ${integrityOf(tarballs.get("greeter")!.bytes)}}`;
  const importer = "dependencies:\n      greeter:\n        specifier: 1.0.0\n        version: 1.0.0\n";
  return {
    "package.json": manifestOf(packageManager ? { packageManager } : {}),
    "packages/cart/package.json": JSON.stringify({
      name: "cart",
      version: "1.0.0",
      dependencies: { greeter: "1.0.0" },
    }),
    "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
    "pnpm-lock.yaml": `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    ${importer}
  packages/cart:
    ${importer}
packages:

  greeter@1.0.0:
    resolution: ${resolution}
    hasBin: true

snapshots:

  greeter@1.0.0: {}
`,
    ".pnpmfile.cjs": "require('node:fs').writeFileSync('/work/ran-pnpmfile', '')\n",
    ".npmrc": npmrc(origin),
  };
}

function yarnProject({ origin, tarballs }: Registry, packageManager?: string): Record<string, Content> {
  const { bytes } = tarballs.get("greeter")!;
  return {
    "package.json": manifestOf(packageManager ? { packageManager } : {}),
    "yarn.lock": `# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


greeter@1.0.0:
  version "1.0.0"
  resolved "${origin}/greeter/-/greeter-1.0.0.tgz#${createHash("sha1").update(bytes).digest("hex")}"
  integrity ${integrityOf(bytes)}
`,
    ".yarnrc": 'yarn-path "./evil.js"\n',
    "evil.js": "require('node:fs').writeFileSync('/work/ran-yarn-path', '')\n",
    ".npmrc": npmrc(origin),
  };
}

async function open(folder: TestFolder, files: Record<string, Content>, allowsPrivateRegistry = true) {
  const origin = makeRepository(folder);
  origin.commit(files);
  const repository = await openClone(folder, origin);
  const npmFolder = await findNpm({ nodePath: process.execPath, searchPath: process.env["PATH"] ?? "" });
  const opened = await openSandbox({ npmFolder });
  const layers = await prepareDependencies(
    { sandbox: opened.sandbox, openRegistry: openRegistryProxy, signal: new AbortController().signal, log: () => {} },
    { repository, settings: { subFolder: "" }, job: { name: "job-deps", slot: 1 }, allowsPrivateRegistry },
  );
  return {
    layers,
    sandbox: opened.sandbox,
    async [Symbol.asyncDispose]() {
      await layers[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}

const hashOf = (registry: Registry, name: string, algorithm: string) =>
  createHash(algorithm).update(registry.tarballs.get(name)!.bytes).digest("hex");

describe("the packages of pnpm and yarn projects", () => {
  const folder = makeFolder("agent-deps-");
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry(folder);
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it.each(["pnpm", "yarn"] as const)(
    "are fetched by the %s that the base names, without scripts, into layers for other sandboxes",
    async (name) => {
      using own = makeFolder("agent-deps-");
      const { version } = registry.tarballs.get(name)!;
      const project = name === "pnpm" ? pnpmProject : yarnProject;
      registry.requests.length = 0;
      await using bench = await open(
        own,
        project(registry, `${name}@${version}+sha512.${hashOf(registry, name, "sha512")}`),
      );
      expect(bench.layers).toMatchObject({ isBuilt: true, note: null });
      const asked = registry.requests.map(({ path }) => path);
      expect(asked).toEqual(expect.arrayContaining([expect.stringContaining(`/${name}-${version}.tgz`), "/greeter/-/greeter-1.0.0.tgz"])); // prettier-ignore
      expect(registry.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
      const tree = dirname(bench.layers.mounts[0]!.host);
      for (const trace of ["node_modules/greeter/ran-postinstall", "ran-pnpmfile", "ran-yarn-path"])
        expect(existsSync(join(tree, trace)), trace).toBe(false);
      expect(existsSync(join(tree, "node_modules/greeter/greet.js"))).toBe(true);

      await using job = await bench.sandbox.open({ name: "job-check", slot: 1 });
      const path = bench.layers.binFolders.join(":");
      const both = name === "pnpm" ? "&& node packages/cart/node_modules/greeter/greet.js" : "";
      const used = await inside(
        job,
        ["sh", "-c", `PATH=${path}:$PATH; greet ${both} && ${name} --version && touch node_modules/x`],
        { readOnlyMounts: bench.layers.mounts },
      );
      expect(used.output.split("\n").filter(Boolean)).toEqual([
        ...Array<string>(name === "pnpm" ? 2 : 1).fill("hello from the layer"),
        version,
      ]);
      expect(used.errors).toContain("Read-only file system");
    },
    120_000,
  );

  it("are not fetched by a program that is not the one of the base's hash", async () => {
    using own = makeFolder("agent-deps-");
    const { version } = registry.tarballs.get("pnpm")!;
    await using bench = await open(own, pnpmProject(registry, `pnpm@${version}+sha512.${"0".repeat(128)}`));
    expect(bench.layers).toMatchObject({
      isBuilt: false,
      note: expect.stringMatching(/not built: pnpm install ended with 1: pnpm [\d.]+ is not the one that is pinned/),
    });
  });

  it("are fetched by a program of ours, pinned by its hash, where the base names none", async () => {
    using own = makeFolder("agent-deps-");
    registry.requests.length = 0;
    await using bench = await open(own, yarnProject(registry));
    // The registry's is packed again, so that its hash is another: which proves that it was asked for, and compared.
    expect(bench.layers.note).toMatch(/yarn 1\.22\.22 is not the one that is pinned/);
    expect(registry.requests.some(({ path }) => path.endsWith("/yarn-1.22.22.tgz"))).toBe(true);
  });

  it("are not fetched from our own network unless the worker's owner allows it", async () => {
    using own = makeFolder("agent-deps-");
    registry.requests.length = 0;
    await using bench = await open(own, yarnProject(registry), false);
    expect(bench.layers.note).toMatch(/not built: yarn asked for 127\.0\.0\.1/);
    expect(registry.requests).toEqual([]);
  });
});
