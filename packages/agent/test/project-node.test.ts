import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { noProxies } from "@feedback-chat/protocol/http-proxies";
import { describe, expect, it } from "vitest";
import { openDispatcher } from "../src/platform/open-dispatcher.ts";
import { fetchThrough } from "../src/platform/open-network.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { projectNodes } from "../src/sandboxes/project-nodes.ts";
import { ownNode, prepareNode } from "../src/stages/project-node.ts";
import { runCheck } from "../src/stages/run-check.ts";
import { makeFolder, put, type TestFolder } from "./git/make-repository.ts";
import { openLayers } from "./open-layers.ts";
import { limits, openSandbox } from "./open-sandbox.ts";

const version = "20.20.2";
const standIn = `#!/bin/sh
case "$*" in --version) echo v${version};; "-p process.version") echo v${version};; *) exec /opt/node/bin/node "$@";; esac
`;
const wanting = (engines: string) => ({ "package.json": JSON.stringify({ engines: { node: engines } }) });

/** The registry with one Node, which is a script; what it sends may differ from what is pinned. */
async function openNodes(
  folder: TestFolder,
  { program = standIn, ...sent }: { program?: string; pinned?: string } = {},
) {
  chmodSync(folder.path, 0o711); // the sandbox's user passes through
  const pinned = sent.pinned ?? program;
  const bytes = packed(folder, program);
  const hash = createHash("sha512").update(packed(folder, pinned)).digest("base64");
  const paths: string[] = [];
  const server = createServer(({ url = "" }, answer) => {
    paths.push(url);
    answer.end(bytes);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispatcher = openDispatcher({ httpProxies: noProxies, connectSeconds: 5 });
  const close = async () => void (server.closeAllConnections(), server.close(), await once(server, "close"));
  return {
    paths,
    close,
    nodes: projectNodes({
      fetch: fetchThrough(dispatcher),
      rootFolder: folder.at("worker"),
      searchPath: process.env["PATH"] ?? "",
      registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      releases: [{ version, lts: "iron", integrity: { x64: `sha512-${hash}`, arm64: `sha512-${hash}` } }],
    }),
    async [Symbol.asyncDispose]() {
      await dispatcher.close();
      if (server.listening) await close();
    },
  };
}

function packed(folder: TestFolder, program: string): Buffer {
  put(folder.path, "node/package/bin/node", { script: program });
  const fixed = ["--mtime=@0", "--sort=name", "--owner=0", "--group=0"];
  execFileSync("tar", ["-cf", folder.at("node.tar"), ...fixed, "-C", folder.at("node"), "package"]);
  execFileSync("gzip", ["-nf", folder.at("node.tar")]);
  return readFileSync(folder.at("node.tar.gz"));
}

type Bench = Awaited<ReturnType<typeof openLayers>>;

async function check({ sandbox, layers }: Bench, script: string) {
  await using job = await sandbox.open({ name: "job-check", slot: 1, userOf: layers.owner });
  const { side } = await runCheck(
    { clock: systemClock(), redactor: { text: (text) => text }, signal: new AbortController().signal },
    job,
    { check: { name: "test", command: ["sh", "-c", script] }, folder: "", layers, limits },
  );
  return side.outputTail.trim();
}

/** What a project that wants this Node gets, without its packages. */
async function prepare({ nodes }: Awaited<ReturnType<typeof openNodes>>, engines: string) {
  await using opened = await openSandbox();
  const logged: string[] = [];
  const files: Record<string, string> = wanting(engines);
  const made = await prepareNode(
    {
      sandbox: opened.sandbox,
      projectNodes: nodes,
      signal: new AbortController().signal,
      log: (level, message) => void logged.push(`${level} ${message}`),
    },
    {
      read: async (path) => files[path] ?? null,
      settings: { subFolder: "" },
      job: { name: "job-deps", slot: 1 },
    },
  );
  return { ...made, logged };
}

describe("a project that asks for another Node", () => {
  it("has its checks run on it, fetched once, with the worker's npm", async () => {
    using folder = makeFolder("agent-node-");
    await using registry = await openNodes(folder);
    await using bench = await openLayers(folder, wanting(">=20 <21"), { projectNodes: registry.nodes });
    expect(bench.layers).toMatchObject({ node: { version }, note: null, isBuilt: true });
    expect(await check(bench, "node -p process.version; npm --version >/tmp/v && echo npm runs")).toBe(
      `v${version}\nnpm runs`,
    );
    const release = registry.nodes.releases[0]!;
    expect(await registry.nodes.fetch(release, new AbortController().signal)).toHaveProperty("folder");
    expect(registry.paths).toEqual([expect.stringMatching(/^\/node-linux-\w+\/-\/node-linux-\w+-20\.20\.2\.tgz$/)]);
  });

  it("gets the worker's where that is one, and nothing is fetched", async () => {
    using folder = makeFolder("agent-node-");
    await using registry = await openNodes(folder);
    expect(await prepare(registry, ">=20")).toEqual({ node: ownNode, note: null, logged: [] });
    expect(registry.paths).toEqual([]);
  });

  it("never gets a program that is not the pinned one, and is told", async () => {
    using folder = makeFolder("agent-node-");
    await using registry = await openNodes(folder, { program: `${standIn}# other`, pinned: standIn });
    const { node, note, logged } = await prepare(registry, ">=20 <21");
    expect(note).toMatch(
      /^The project wants Node >=20 <21 \(engines\.node\); this run used Node [\d.]+\. Node 20\.20\.2 is not there: what 127\.0\.0\.1:\d+ sent is not the Node 20\.20\.2 that is pinned\.$/,
    );
    expect([node, logged]).toEqual([ownNode, [`warn ${note}`]]);
    expect(existsSync(folder.at("worker/tools"))).toBe(false);
  });

  it("is told when the registry cannot be reached", async () => {
    using folder = makeFolder("agent-node-");
    await using registry = await openNodes(folder);
    await registry.close();
    const { node, note } = await prepare(registry, ">=20 <21");
    expect(node).toBe(ownNode);
    expect(note).toContain("cannot be reached: the connection was refused (ECONNREFUSED).");
  });

  it("is told when it does not start on this machine", async () => {
    using folder = makeFolder("agent-node-");
    await using registry = await openNodes(folder, { program: "#!/bin/sh\necho no such processor >&2; exit 1" });
    const { node, note } = await prepare(registry, ">=20 <21");
    expect(node).toBe(ownNode);
    expect(note).toContain("Node 20.20.2 is not there: it does not start on this machine: no such processor.");
  });
});
