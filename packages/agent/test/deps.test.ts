import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findNpm } from "../src/sandboxes/install-tools.ts";
import { openRegistryProxy } from "../src/proxy/registry-proxy.ts";
import { prepareDependencies } from "../src/stages/deps.ts";
import { makeFolder, makeRepository, put, type Content, type TestFolder } from "./git/make-repository.ts";
import { openClone } from "./git/open-clone.ts";
import { inside, openSandbox } from "./open-sandbox.ts";

/** A registry on loopback that serves one package, whose install script would leave a trace. */
async function startRegistry(folder: TestFolder) {
  put(
    folder.path,
    "pkg/package/package.json",
    JSON.stringify({
      name: "greeter",
      version: "1.0.0",
      bin: { greet: "greet.js" },
      scripts: { postinstall: "touch /work/ran-postinstall node_modules/ran" },
    }),
  );
  put(folder.path, "pkg/package/greet.js", {
    script: "#!/usr/bin/env node\nconsole.log('hello from the layer');\n",
  });
  const tarball = folder.at("greeter.tgz");
  execFileSync("tar", ["-czf", tarball, "-C", folder.at("pkg"), "package"]);
  const bytes = readFileSync(tarball);
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, answer) => {
    requests.push({ path: request.url ?? "", authorization: request.headers.authorization });
    answer.end(bytes);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const close = async () => void (server.closeAllConnections(), server.close(), await once(server, "close"));
  return { origin, integrity, requests, [Symbol.asyncDispose]: close };
}

function lockedFiles(resolved: string, integrity: string): Record<string, Content> {
  const root = { name: "shop", version: "1.0.0", dependencies: { greeter: "1.0.0" } };
  const packages = {
    "": root,
    "node_modules/greeter": {
      version: "1.0.0",
      resolved,
      integrity,
      bin: { greet: "greet.js" },
      hasInstallScript: true,
    },
  };
  return {
    "package.json": JSON.stringify({ ...root, scripts: { test: "greet" } }),
    "package-lock.json": JSON.stringify({
      name: "shop",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages,
    }),
    ".npmrc": "//127.0.0.1/:_authToken=${SECRET_TOKEN}\nregistry=http://attacker.invalid/\nlegacy-peer-deps=true\n",
  };
}

async function prepare(
  folder: TestFolder,
  files: Record<string, Content>,
  test: (bench: Awaited<ReturnType<typeof openAll>>) => Promise<void>,
  allowsPrivateRegistry = true,
) {
  const bench = await openAll(folder, files, allowsPrivateRegistry);
  try {
    await test(bench);
  } finally {
    await bench.layers[Symbol.asyncDispose]();
    await bench.repository[Symbol.asyncDispose]();
    await bench.opened[Symbol.asyncDispose]();
  }
}

async function openAll(folder: TestFolder, files: Record<string, Content>, allowsPrivateRegistry: boolean) {
  const origin = makeRepository(folder);
  origin.commit(files);
  const repository = await openClone(folder, origin);
  const npmFolder = await findNpm({
    nodePath: process.execPath,
    searchPath: process.env["PATH"] ?? "",
  });
  const opened = await openSandbox({ npmFolder });
  const signal = new AbortController().signal;
  const layers = await prepareDependencies(
    { sandbox: opened.sandbox, openRegistry: openRegistryProxy, projectNodes: null, signal, log: () => {} },
    {
      repository,
      settings: { subFolder: "", installScripts: [] },
      job: { name: "job-deps", slot: 1 },
      allowsPrivateRegistry,
    },
  );
  return { repository, opened, layers };
}

describe("prepareDependencies", () => {
  it("fetches what the base's lockfile names into a layer for other sandboxes, and runs no install script", async () => {
    using folder = makeFolder("agent-deps-");
    await using registry = await startRegistry(folder);
    await prepare(
      folder,
      lockedFiles(`${registry.origin}/greeter.tgz`, registry.integrity),
      async ({ layers, opened }) => {
        expect(layers).toMatchObject({
          isBuilt: true,
          note: null,
          binFolders: ["/work/node_modules/.bin"],
        });
        expect(registry.requests).toEqual([{ path: "/greeter.tgz", authorization: undefined }]);
        const host = layers.folders[0]!.host;
        expect(existsSync(join(host, "ran")) || existsSync(join(host, "../ran-postinstall"))).toBe(false);
        await using job = await opened.sandbox.open({ name: "job-check", slot: 1, userOf: layers.owner });
        const act = "/work/node_modules/.bin/greet && cd node_modules && mkdir .tmp/x && echo >> greeter/greet.js";
        const used = await inside(job, ["sh", "-c", act], { layers: layers.folders });
        expect(used).toMatchObject({ output: "hello from the layer\n", errors: "", end: { exitCode: 0 } });
        expect(layers.hash).toMatch(/^[0-9a-f]{64}$/);
        await layers.requireUnbroken();
      },
    );
  });

  it.each([0o027, 0o077])("makes layers that other sandboxes can read under umask %i (decimal)", async (mask) => {
    const before = process.umask(mask);
    try {
      using folder = makeFolder("agent-deps-");
      await using registry = await startRegistry(folder);
      const files = lockedFiles(`${registry.origin}/greeter.tgz`, registry.integrity);
      await prepare(folder, files, async ({ layers, opened }) => {
        await using job = await opened.sandbox.open({ name: "job-check", slot: 1, userOf: layers.owner });
        const script = "greet; umask; npm --version >/tmp/v && echo npm runs";
        const used = await inside(job, ["sh", "-c", `PATH=${layers.binFolders[0]}:$PATH; ${script}`], {
          layers: layers.folders,
        });
        expect(used.output).toBe("hello from the layer\n0022\nnpm runs\n");
      });
    } finally {
      process.umask(before);
    }
  });

  it("leaves nothing behind when it is closed", async () => {
    using folder = makeFolder("agent-deps-");
    await using registry = await startRegistry(folder);
    const bench = await openAll(folder, lockedFiles(`${registry.origin}/greeter.tgz`, registry.integrity), true);
    expect(readdirSync(join(bench.opened.rootFolder, "jobs"))).toHaveLength(1);
    await bench.layers[Symbol.asyncDispose]();
    expect(readdirSync(join(bench.opened.rootFolder, "jobs"))).toHaveLength(0);
    await bench.repository[Symbol.asyncDispose]();
    await bench.opened[Symbol.asyncDispose]();
  });

  it("reaches nothing in our own network unless the worker's owner allows it", async () => {
    using folder = makeFolder("agent-deps-");
    await using registry = await startRegistry(folder);
    const files = lockedFiles(`${registry.origin}/greeter.tgz`, registry.integrity);
    await prepare(
      folder,
      files,
      async ({ layers }) => {
        expect(layers).toMatchObject({
          isBuilt: false,
          note: `not built: npm asked for ${new URL(registry.origin).host}, which has no public address. The worker's owner can open it: FEEDBACK_CHAT_REGISTRY_ALLOW.`,
        });
        expect(registry.requests).toEqual([]);
      },
      false,
    );
  });

  it("ends the install at the first refusal, where npm would retry for minutes", { timeout: 60_000 }, async () => {
    using folder = makeFolder("agent-deps-");
    const files = lockedFiles("https://127.0.0.1/greeter.tgz", `sha512-${"A".repeat(86)}==`);
    await prepare(
      folder,
      files,
      async ({ layers }) => {
        expect(layers.note).toMatch(/^not built: npm asked for 127\.0\.0\.1:443, which has no public address\./);
      },
      false,
    );
  });

  it("says why it was not built, and needs nothing where nothing is needed", async () => {
    using folder = makeFolder("agent-deps-");
    await prepare(folder, { "package.json": '{"scripts":{"test":"true"}}' }, async ({ layers }) => {
      expect(layers).toMatchObject({ isBuilt: true, note: null, folders: [] });
    });
    for (const [lockfile, words] of [["pnpm-lock.yaml", "pnpm-lock.yaml has lockfileVersion unknown"], ["yarn.lock", "yarn.lock is not a lockfile"], ["bun.lock", "bun.lock is not a lockfile"], ["bun.lockb", "bun.lockb is binary"], ["README.md", "no lockfile"]] as const) {
      using other = makeFolder("agent-deps-");
      await prepare(other, { "package.json": '{"dependencies":{"a":"1"}}', [lockfile]: "x" }, async ({ layers }) => {
        expect(layers).toMatchObject({ isBuilt: false, note: expect.stringMatching(`^not built: .*${words}`) });
      });
    } // prettier-ignore
  });
});
