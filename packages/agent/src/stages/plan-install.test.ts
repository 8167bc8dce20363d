import { describe, expect, it } from "vitest";
import { harmlessNpmrcWithRegistries } from "./harmless-npmrc.ts";
import { planInstall } from "./plan-install.ts";

const pnpmLock = (version: string, resolution = "{integrity: sha512-x}") =>
  `lockfileVersion: '${version}'\n\npackages:\n\n  a@1.0.0:\n    resolution: ${resolution}\n`;
const yarnLock = (resolved: string) => `# yarn lockfile v1\n\n\na@1:\n  version "1.0.0"\n  resolved "${resolved}"\n`;
const plan = (files: Record<string, string>, packageJson: object = {}) =>
  planInstall(async (name) => files[name] ?? null, packageJson);
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
      problem: expect.stringContaining("(5.4;"),
    });
  });

  it("lets the base's .npmrc name registries, and nothing with a secret or a variable in it", async () => {
    const text =
      "registry=https://npm.example.com/\n@shop:registry=https://shop.example.com\n@x:registry=https://${X}/\n";
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0"), ".npmrc": text })).toMatchObject({
      hosts: [host("npm.example.com"), host("npm.example.com"), host("shop.example.com")],
      program: { registry: "https://npm.example.com/" },
    });
    const all = `${text}//npm.example.com/:_authToken=abc\nscript-shell=/bin/evil\nnode-linker=hoisted\n`;
    expect(harmlessNpmrcWithRegistries(all)).toBe(
      "registry=https://npm.example.com/\n@shop:registry=https://shop.example.com\nnode-linker=hoisted\n",
    );
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
    ["another program", "bun@1.2.3"],
    ["an address", "pnpm@https://attacker.invalid/x.tgz"],
    ["options", "pnpm@9.0.0 --registry=http://attacker.invalid"],
    ["a hash that is none", "pnpm@9.0.0+md5.abc"],
    ["a list", ["pnpm@9.0.0"]],
  ])("takes our own program where package.json names %s", async (_what, packageManager) => {
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0") }, { packageManager })).toMatchObject({
      program: { name: "pnpm", version: "10.34.8" },
    });
  });

  it("says what is not supported: git, newer yarn, a registry without an address", async () => {
    const git = "{commit: abc, repo: git@github.com:a/b.git, type: git}";
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0", git) })).toHaveProperty("problem");
    expect(await plan({ "yarn.lock": yarnLock("git+ssh://git@github.com/a/b.git#1") })).toHaveProperty("problem");
    expect(await plan({ "yarn.lock": "__metadata:\n  version: 8\n" })).toMatchObject({
      problem: expect.stringContaining("yarn 1"),
    });
    expect(await plan({ "pnpm-lock.yaml": pnpmLock("9.0"), ".npmrc": "registry=nowhere\n" })).toHaveProperty("problem");
  });
});
