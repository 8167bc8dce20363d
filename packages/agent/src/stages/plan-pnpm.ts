import * as z from "zod";
import { harmlessNpmrc, registriesOf } from "./harmless-npmrc.ts";
import { hostsOf, noAddress, publicRegistry, type Planned, type PlanInput } from "./install-plan.ts";
import { pnpmOfLockfile, pnpmProgram } from "./package-program.ts";
import { pnpmLockfileVersion, readPnpmLockfile } from "./read-lockfile.ts";
import { yamlOf } from "./read-yaml.ts";

// A .pnpmfile.cjs is a program, and the repository's: what it would change, the lockfile holds already.
const args = [
  ...["install", "--frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile", "--store-dir=/tmp/pnpm"],
  ...["--package-import-method=copy", "--reporter=append-only"],
];
const env = {
  // The version is ours or the base's: no program fetches another in its place.
  npm_config_manage_package_manager_versions: "false",
  pnpm_config_pm_on_fail: "ignore",
  // Scripts are off: that some were not run is no failure.
  npm_config_strict_dep_builds: "false",
  pnpm_config_strict_dep_builds: "false",
};

export async function planPnpm({ read, named, architecture }: PlanInput): Planned {
  const lock = await read("pnpm-lock.yaml");
  if (lock === null) return null;
  const version = pnpmLockfileVersion(lock) ?? "unknown";
  const ours = pnpmOfLockfile[version];
  if (!ours)
    return {
      problem: `pnpm-lock.yaml has lockfileVersion ${version}; 6.0 and 9.0 are supported. Run \`pnpm install\` with pnpm 9 or newer and commit it.`,
    };
  const locked = readPnpmLockfile(lock);
  if ("problem" in locked) return locked;
  const npmrc = registriesOf((await read(".npmrc")) ?? "");
  const workspace = registriesOfWorkspace((await read("pnpm-workspace.yaml")) ?? "");
  const registry = workspace.usual ?? npmrc.usual ?? publicRegistry;
  const hosts = hostsOf([registry, ...npmrc.all, ...workspace.all]);
  if (hosts === null) return noAddress(".npmrc or pnpm-workspace.yaml");
  const program = named ? pnpmProgram(named, architecture) : ours;
  return {
    name: "pnpm install",
    program: { ...program, registry },
    args,
    env,
    hosts: [...locked.hosts, ...hosts],
    clean: { ".npmrc": harmlessNpmrc },
    leaves: "node_modules",
  };
}

const workspaceSettings = z.object({
  registry: z.string().optional(),
  registries: z.record(z.string(), z.string()).optional(),
});

/** pnpm 10 and later read registries from their workspace file too. */
function registriesOfWorkspace(text: string): { usual: string | null; all: string[] } {
  const { registry, registries = {} } = workspaceSettings.safeParse(yamlOf(text)).data ?? {};
  const all = [...(registry === undefined ? [] : [registry]), ...Object.values(registries)];
  return { usual: registries["default"] ?? registry ?? null, all: all.filter((each) => !each.includes("$")) };
}
