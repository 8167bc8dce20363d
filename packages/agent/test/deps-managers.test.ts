import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCompanyProxy } from "./company-proxy.ts";
import { makeFolder, type Content } from "./git/make-repository.ts";
import { openLayers } from "./open-layers.ts";
import { inside } from "./open-sandbox.ts";
import { integrityOf, startRegistry, type Registry } from "./package-registry.ts";

type Files = Record<string, Content>;
const app = { name: "web", version: "1.0.0", dependencies: { greeter: "1.0.0" } };
const greet = 'import { createRequire } from "node:module"; createRequire(import.meta.url)("greeter/greet.js");\n';

describe("the packages of a project", () => {
  const folder = makeFolder("agent-deps-");
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry(folder);
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** What the project's own command says in a sandbox with its layers. */
  async function used(files: Files, command: string, subFolder = "") {
    using own = makeFolder("agent-deps-");
    registry.requests.length = 0;
    await using bench = await openLayers(own, files, { subFolder });
    const { layers, repository, sandbox } = bench;
    if (!layers.isBuilt) return { note: layers.note, output: "", errors: "" };
    await using job = await sandbox.open({ name: "job-check", slot: 1, userOf: layers.owner });
    await repository.exportTree(repository.baseSha, job.treeFolder);
    await job.own(job.treeFolder);
    const line = `PATH=${layers.binFolders.join(":")}:$PATH; cd ./${subFolder} && ${command}`;
    const { output, errors } = await inside(job, ["sh", "-c", line], {
      layers: layers.folders,
      readOnlyMounts: layers.mounts,
    });
    return { note: layers.note, output, errors };
  }

  const npmLocked = (packages: object) =>
    JSON.stringify({ name: "shop", lockfileVersion: 3, requires: true, packages });
  const locked = () => ({
    version: "1.0.0",
    integrity: integrityOf(registry.tarballs.get("greeter")!.bytes),
    bin: { greet: "greet.js" },
  });

  it("come from the registry of its .npmrc where npm's lockfile has no `resolved`", async () => {
    const { note, output } = await used(
      {
        "package.json": JSON.stringify(app),
        "package-lock.json": npmLocked({ "": app, "node_modules/greeter": locked() }),
        ".npmrc": `registry=${registry.origin}/\n//127.0.0.1/:_authToken=abc\n`,
      },
      "greet",
    );
    expect({ note, output }).toEqual({ note: null, output: "hello from the layer\n" });
    expect(registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it("are installed at the root of a workspace for an app in a subfolder", async () => {
    const root = { name: "shop", private: true, workspaces: ["apps/*"] };
    const files = {
      "package.json": JSON.stringify(root),
      "apps/web/package.json": JSON.stringify(app),
      "apps/other/package.json": JSON.stringify({ name: "other", version: "1.0.0" }),
      "package-lock.json": npmLocked({
        "": root,
        "apps/web": app,
        "apps/other": { name: "other", version: "1.0.0" },
        "node_modules/web": { resolved: "apps/web", link: true },
        "node_modules/other": { resolved: "apps/other", link: true },
        "node_modules/greeter": locked(),
      }),
      ".npmrc": `registry=${registry.origin}/\n`,
    };
    expect(await used(files, "greet && node -p 'require.resolve(\"web/package.json\")'", "apps/web")).toMatchObject({
      note: null,
      output: "hello from the layer\n/work/apps/web/package.json\n",
    });
  });

  it("are not looked for in a workspace that does not list the app", async () => {
    const files = {
      "package.json": JSON.stringify({ name: "shop", private: true, workspaces: ["packages/*"] }),
      "apps/web/package.json": JSON.stringify(app),
      "package-lock.json": npmLocked({}),
    };
    expect((await used(files, "true", "apps/web")).note).toBe(
      "not built: apps/web/package.json has no lockfile beside it, and the workspace of the root does not list apps/web. Commit a lockfile there, or add the folder to the workspace.",
    );
  });

  it("are not fetched by a lockfile that is out of date: npm's own words say why", async () => {
    const root = { name: "shop", version: "1.0.0" };
    const files = {
      "package.json": JSON.stringify(app),
      "package-lock.json": npmLocked({ "": root }),
      ".npmrc": `registry=${registry.origin}/\n`,
    };
    const { note } = await used(files, "true");
    expect(note).toMatch(/^not built: npm ci ended with 1: code EUSAGE\n[^]*Missing: greeter@1\.0\.0 from lock file/);
    expect(note).not.toMatch(/warn|Usage:/);
  });

  it("come through a company's proxy with its login, from a registry with the company's own certificate", async () => {
    using own = makeFolder("agent-deps-");
    const host = "registry.npmjs.org";
    const [key, cert] = [own.at("key"), own.at("cert")];
    const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", ...curve, ...subject, "-days", "2", "-keyout", key, "-out", cert], { stdio: "ignore" }); // prettier-ignore
    const { bytes } = registry.tarballs.get("greeter")!;
    const tls = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => answer.end(bytes));
    tls.listen(0, "127.0.0.1");
    await once(tls, "listening");
    await using company = await startCompanyProxy({ [`${host}:443`]: (tls.address() as AddressInfo).port });
    const files = {
      "package.json": JSON.stringify(app),
      "package-lock.json": npmLocked({
        "": app,
        "node_modules/greeter": { ...locked(), resolved: `https://${host}/greeter.tgz` },
      }),
    };
    const network = {
      httpProxies: { httpProxy: "", httpsProxy: company.url, noProxy: "" },
      ownCertificatesFile: cert,
    };
    await using bench = await openLayers(own, files, { allowsPrivateRegistry: false, network });
    tls.close();
    expect(bench.layers).toMatchObject({ isBuilt: true, note: null });
    expect(company.asked).toEqual([`CONNECT ${host}:443 with login`]);
  });

  const berryLock = `# This file is generated by running "yarn install" inside your project.
# Manual changes might be lost - proceed with caution!

__metadata:
  version: 10
  cacheKey: 10c0

"greeter@npm:1.0.0":
  version: 1.0.0
  resolution: "greeter@npm:1.0.0"
  bin:
    greet: greet.js
  languageName: node
  linkType: hard

"web@workspace:.":
  version: 0.0.0-use.local
  resolution: "web@workspace:."
  dependencies:
    greeter: "npm:1.0.0"
  languageName: unknown
  linkType: soft
`;
  const berry = (nodeLinker: string): Files => {
    const { version, file } = registry.programs.berry;
    return {
      "package.json": JSON.stringify({
        ...app,
        type: "module",
        scripts: { greet: "greet" },
        packageManager: `yarn@${version}+sha224.${createHash("sha224").update(file).digest("hex")}`,
      }),
      "yarn.lock": berryLock,
      ".yarnrc.yml": `nodeLinker: ${nodeLinker}
npmRegistryServer: "${registry.origin}"
unsafeHttpWhitelist: [127.0.0.1]
yarnPath: ./evil.cjs
plugins: [{ path: ./evil.cjs, spec: evil }]
npmAuthToken: abc
`,
      "evil.cjs": "require('node:fs').writeFileSync('/work/node_modules/evil', '')\n",
      "greet.js": greet,
      ".gitignore": ".pnp.*\n.yarn/*\n",
    };
  };

  it.each(["node-modules", "pnp"])("are those of yarn 4 with the linker %s", async (nodeLinker) => {
    const { note, output, errors } = await used(
      berry(nodeLinker),
      "greet && node greet.js && cd /tmp && yarn --version",
    );
    expect({ note, output }, errors).toEqual({
      note: null,
      output: `hello from the layer\nhello from the layer\n${registry.programs.berry.version}\n`,
    });
    expect(registry.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it("are not those of Plug'n'Play where its table would count as a change", async () => {
    const { ".gitignore": _ignored, ...files } = berry("pnp");
    expect((await used(files, "true")).note).toMatch(/\.pnp\.cjs is neither committed nor ignored\. Add/);
  });
}, 120_000);
