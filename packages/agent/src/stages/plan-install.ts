import * as z from "zod";
import type { RegistryHost } from "../ports/registry.ts";
import { harmlessNpmrc, harmlessNpmrcWithRegistries, registriesOf } from "./harmless-npmrc.ts";
import { classicYarn, namedProgram, type PackageProgram, pnpmOfLockfile } from "./package-program.ts";
import {
  hostOf,
  hostsOfLockfile,
  hostsOfPnpmLockfile,
  hostsOfYarnLockfile,
  pnpmLockfileVersion,
} from "./read-lockfile.ts";

export type InstallPlan = {
  /** What is said to the user: `npm ci`. */
  name: string;
  /** Fetched first, from this registry; null = npm, which is there. */
  program: (PackageProgram & { registry: string }) | null;
  args: string[];
  hosts: RegistryHost[];
  cleanNpmrc: (text: string) => string;
};

/** Reads a file of the base commit, beside the package.json that is built. */
export type ReadBase = (name: string) => Promise<string | null>;

const manifest = z.object({ packageManager: z.unknown().optional() });
const publicRegistry = "https://registry.npmjs.org/";

/** How the base's packages are fetched, said by its lockfile; or why they cannot be. */
export async function planInstall(read: ReadBase, packageJson: unknown): Promise<InstallPlan | { problem: string }> {
  const named = namedProgram(manifest.safeParse(packageJson).data?.packageManager);
  const plans = { npm: planNpm, pnpm: planPnpm, yarn: planYarn };
  const first = named && named.name in plans ? [named.name as keyof typeof plans] : [];
  for (const name of new Set([...first, "npm", "pnpm", "yarn"] as const)) {
    const plan = await plans[name](read, named?.name === name ? named : null);
    if (plan !== null) return plan;
  }
  for (const name of ["bun.lock", "bun.lockb"])
    if ((await read(name)) !== null) return { problem: `the lockfiles of npm, pnpm and yarn are read, not ${name}` };
  return { problem: "the base has no lockfile, so that nothing says what to fetch" };
}

type Named = ReturnType<typeof namedProgram>;
type Planned = Promise<InstallPlan | { problem: string } | null>;

async function planNpm(read: ReadBase): Planned {
  const lock = (await read("npm-shrinkwrap.json")) ?? (await read("package-lock.json"));
  if (lock === null) return null;
  if (!isJson(lock)) return { problem: "package-lock.json is no JSON" };
  const named = hostsOfLockfile(lock);
  if ("problem" in named) return named;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache=/tmp/npm"];
  return { name: "npm ci", program: null, args, hosts: named.hosts, cleanNpmrc: harmlessNpmrc };
}

async function planPnpm(read: ReadBase, named: Named): Planned {
  const lock = await read("pnpm-lock.yaml");
  if (lock === null) return null;
  const version = pnpmLockfileVersion(lock) ?? "unknown";
  const program = pnpmOfLockfile[version];
  if (!program) return { problem: `pnpm-lock.yaml has a form that is not supported (${version}; 6.0 and 9.0 are)` };
  const locked = hostsOfPnpmLockfile(lock);
  if ("problem" in locked) return locked;
  // A .pnpmfile.cjs is a program, and the repository's: what it would change, the lockfile holds already.
  const args = ["install", "--frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile", "--store-dir=/tmp/pnpm"];
  return withRegistries(read, {
    name: "pnpm install",
    program: named ? { ...named, name: "pnpm" } : program,
    args: [...args, "--package-import-method=copy", "--reporter=append-only"],
    hosts: locked.hosts,
  });
}

async function planYarn(read: ReadBase, named: Named): Planned {
  const lock = await read("yarn.lock");
  if (lock === null) return null;
  const locked = hostsOfYarnLockfile(lock);
  if ("problem" in locked) return locked;
  const isClassic = named?.version.startsWith("1.") === true;
  const args = ["install", "--frozen-lockfile", "--ignore-scripts", "--non-interactive", "--no-progress"];
  return withRegistries(read, {
    name: "yarn install",
    program: named && isClassic ? { ...named, name: "yarn" } : classicYarn,
    args: [...args, "--no-default-rc", "--cache-folder=/tmp/yarn"],
    hosts: locked.hosts,
  });
}

type Bare = { name: string; program: PackageProgram; args: string[]; hosts: RegistryHost[] };

/** Besides the lockfile's hosts: the registries that the same commit's .npmrc names, else the public one. */
async function withRegistries(read: ReadBase, plan: Bare): Planned {
  const { usual, all } = registriesOf((await read(".npmrc")) ?? "");
  const registry = usual ?? publicRegistry;
  const hosts = [registry, ...all].map(hostOf);
  if (!hosts.every((host) => host !== null)) return { problem: "its .npmrc names a registry that has no address" };
  return {
    ...plan,
    program: { ...plan.program, registry },
    hosts: [...plan.hosts, ...hosts],
    cleanNpmrc: harmlessNpmrcWithRegistries,
  };
}

function isJson(text: string): boolean {
  try {
    return JSON.parse(text) !== undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
