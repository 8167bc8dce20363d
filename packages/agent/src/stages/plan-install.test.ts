import { describe, expect, it } from "vitest";
import { planInstall as planWith } from "./plan-install.ts";

const pnpmLock = (version: string, resolution = "{integrity: sha512-x}") =>
  `lockfileVersion: '${version}'\n\npackages:\n\n  a@1.0.0:\n    resolution: ${resolution}\n`;
const yarnLock = (resolved: string) => `# yarn lockfile v1\n\n\na@1:\n  version "1.0.0"\n  resolved "${resolved}"\n`;
const plan = (files: Record<string, string>, packageJson: object = {}) =>
  planWith({ read: async (name) => files[name] ?? null, architecture: "x64" }, packageJson);
const host = (hostname: string) => ({ protocol: "https:", hostname, port: 443 });
const npmLock = JSON.stringify({ lockfileVersion: 3, packages: { "": {} } });

describe("planInstall", () => {
  it("takes pnpm's and yarn's packages from the public registry, and from the hosts that the lockfile names", async () => {
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0") })).toMatchObject({
      hosts: [host("registry.npmjs.org")],
      program: { name: "pnpm", version: "10.34.8", registry: "https://registry.npmjs.org/" },
    });
    const tarball = "{integrity: sha512-x, tarball: https://codeload.github.com/a/b/tar.gz/1}";
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0", tarball) })).toMatchObject({
      hosts: [host("codeload.github.com"), host("registry.npmjs.org")],
    });
    expect(await plan({ "yarn.lock": yarnLock("https://registry.yarnpkg.com/a/-/a-1.tgz#1") })).toMatchObject({
      hosts: [host("registry.yarnpkg.com"), host("registry.npmjs.org")],
      program: { name: "yarn", version: "1.22.22" },
    });
  });

  it("reads the older form of pnpm's lockfile with the pnpm that wrote it", async () => {
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("6.0") })).toMatchObject({ program: { version: "8.15.9" } });
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("5.4") })).toMatchObject({
      problem: expect.stringContaining("lockfileVersion 5.4;"),
    });
  });

  it("lets the base's .npmrc name registries, and nothing with a secret or a variable in it", async () => {
    const text =
      "registry=https://npm.example.com/\n@shop:registry=https://shop.example.com\n@x:registry=https://${X}/\n";
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0"), ".npmrc": text })).toMatchObject({
      hosts: [host("npm.example.com"), host("npm.example.com"), host("shop.example.com")],
      program: { registry: "https://npm.example.com/" },
    });
  });

  it("asks the program that package.json names first, whichever lockfiles lie there", async () => {
    const files = { "package-lock.json": npmLock, "pnpm-lock.yaml": pnpmLock("9.0") };
    expect(await plan(files)).toMatchObject({ name: "npm ci", program: null });
    const hex = "ab".repeat(28);
    expect(await plan(files, { packageManager: `pnpm@9.1.2+sha224.${hex}` })).toMatchObject({
      program: { name: "pnpm", version: "9.1.2", hash: { algorithm: "sha224", hex } },
    });
  });

  it.each([
    ["a range", "pnpm@^9"],
    ["another program", "deno@1.2.3"],
    ["an address", "pnpm@https://attacker.invalid/x.tgz"],
    ["options", "pnpm@9.0.0 --registry=http://attacker.invalid"],
    ["a hash that is none", "pnpm@9.0.0+md5.abc"],
    ["a list", ["pnpm@9.0.0"]],
  ])("takes our own program where package.json names %s", async (_what, packageManager) => {
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0") }, { packageManager })).toMatchObject({
      program: { name: "pnpm", version: "10.34.8" },
    });
  });

  it("takes the yarn that writes the lockfile's form, else the one that the base names or holds", async () => {
    const berry = (version: string) => ({ "yarn.lock": `__metadata:\n  version: ${version}\n` });
    const program = { name: "yarn", package: "@yarnpkg/cli-dist", registry: "https://registry.npmjs.org/" };
    expect(await plan(berry("8"))).toMatchObject({ leaves: "pnp", program: { ...program, version: "4.12.0" } });
    expect(await plan(berry("6"))).toMatchObject({ program: { ...program, version: "3.8.7" } });
    const held = {
      ...berry("8"),
      ".yarnrc.yml": "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.5.0.cjs\n",
    };
    expect(await plan(held)).toMatchObject({ leaves: "node_modules", program: { version: "4.5.0", hash: null } });
    const hex = "ab".repeat(28);
    expect(await plan(held, { packageManager: `yarn@4.9.4+sha224.${hex}` })).toMatchObject({
      program: { version: "4.9.4", hash: { algorithm: "sha224", hex, of: "file" } },
    });
    expect(await plan(berry("4"))).toMatchObject({ problem: expect.stringContaining('"packageManager": "yarn@') });
  });

  it("asks the hosts of .yarnrc.yml, because the lockfile of yarn 2 and later names none", async () => {
    const lock = { "yarn.lock": "__metadata:\n  version: 8\n" };
    expect(await plan(lock)).toMatchObject({ hosts: [host("registry.yarnpkg.com"), host("registry.npmjs.org")] });
    const rc =
      'npmRegistryServer: "https://npm.example.com"\nnpmScopes:\n  a:\n    npmRegistryServer: "https://a.example.com"\n';
    expect(new Set(((await plan({ ...lock, ".yarnrc.yml": rc })) as { hosts: object[] }).hosts)).toEqual(
      new Set([host("npm.example.com"), host("npm.example.com"), host("a.example.com"), host("npm.example.com")]),
    );
  });

  it("takes bun's program for the processor, pinned, or of the version that the base names", async () => {
    const lock = { "bun.lock": '{ "lockfileVersion": 1, "packages": {}, }' };
    expect(await plan(lock)).toMatchObject({
      program: { package: "@oven/bun-linux-x64-baseline", version: "1.4.5", runs: "itself", hash: { of: "tarball" } },
    });
    expect(await plan(lock, { packageManager: "bun@1.2.3" })).toMatchObject({
      program: { version: "1.2.3", hash: null },
    });
    expect(
      await planWith(
        { read: async (name) => (lock as Record<string, string>)[name] ?? null, architecture: "arm64" },
        {},
      ),
    ).toMatchObject({
      program: { package: "@oven/bun-linux-aarch64" },
    });
  });

  it("takes the program of pnpm 12 and later from its own package", async () => {
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0") }, { packageManager: "pnpm@12.21.0" })).toMatchObject({
      program: { package: "@pnpm/exe.linux-x64", version: "12.21.0", runs: "itself", file: "pnpm", vouchedBy: null },
    });
    const hex = "ab".repeat(64);
    expect(
      await plan({ "pnpm-lock.yaml": pnpmLock("9.0") }, { packageManager: `pnpm@12.21.0+sha512.${hex}` }),
    ).toMatchObject({
      program: { vouchedBy: { package: "pnpm", hash: { algorithm: "sha512", hex, of: "tarball" } } },
    });
  });

  it("asks npm's registry too, for what the lockfile has no address of", async () => {
    const lock = { "package-lock.json": npmLock };
    expect(await plan(lock)).toMatchObject({ hosts: [host("registry.npmjs.org")] });
    expect(await plan({ ...lock, ".npmrc": "@shop:registry=https://shop.example.com/\n" })).toMatchObject({
      hosts: [host("shop.example.com"), host("registry.npmjs.org")],
    });
    const other = { ...lock, ".npmrc": "registry=https://npm.example.com\n" };
    expect(await plan(other)).toHaveProperty("hosts", [host("npm.example.com")]);
  });

  it("reads the registries of pnpm's workspace file", async () => {
    const workspace =
      "packages: [a]\nregistries:\n  default: https://npm.example.com/\n  '@a': https://a.example.com/\n";
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0"), "pnpm-workspace.yaml": workspace })).toMatchObject({
      hosts: [host("npm.example.com"), host("npm.example.com"), host("a.example.com")],
    });
  });

  it("says which file is unusable, and what to do", async () => {
    for (const [files, words] of [
      [{ "bun.lockb": "x" }, /^bun\.lockb is binary.* Run .* commit bun\.lock\.$/],
      [{ "yarn.lock": "x" }, /^yarn\.lock is not a lockfile.* Run/],
      [{ "pnpm-lock.yaml": pnpmLock("9.0"), ".npmrc": "registry=nowhere\n" }, /^\.npmrc .*registry .* Write/],
      [{}, /no lockfile.* Commit/],
    ] as [Record<string, string>, RegExp][])
      expect(await plan(files)).toEqual({ problem: expect.stringMatching(words) });
  });
});
