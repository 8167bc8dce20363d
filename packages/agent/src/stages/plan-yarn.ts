import { harmlessNpmrc, registriesOf } from "./harmless-npmrc.ts";
import { readYarnrc } from "./harmless-yarnrc.ts";
import { hostsOf, noAddress, publicRegistry, type InstallPlan, type Planned, type PlanInput } from "./install-plan.ts";
import { berryOfLockfile, classicYarn, yarnProgram } from "./package-program.ts";
import { readBerryLockfile, readYarnLockfile, yarnLockfileVersion } from "./read-lockfile.ts";

const berryRegistry = "https://registry.yarnpkg.com/";

export async function planYarn(input: PlanInput): Planned {
  const lock = await input.read("yarn.lock");
  if (lock === null) return null;
  const version = yarnLockfileVersion(lock);
  if (version === null)
    return { problem: "yarn.lock is not a lockfile of yarn. Run `yarn install` and commit it again." };
  return version === "1" ? planClassic(input, lock) : planBerry(input, { lock, version });
}

async function planClassic({ read, named }: PlanInput, lock: string): Promise<InstallPlan | { problem: string }> {
  const locked = readYarnLockfile(lock);
  if ("problem" in locked) return locked;
  const { usual, all } = registriesOf((await read(".npmrc")) ?? "");
  const registry = usual ?? publicRegistry;
  const hosts = hostsOf([registry, ...all]);
  if (hosts === null) return noAddress(".npmrc");
  const args = ["install", "--frozen-lockfile", "--ignore-scripts", "--non-interactive", "--no-progress"];
  return {
    name: "yarn install",
    program: { ...(named?.version.startsWith("1.") ? yarnProgram(named) : classicYarn), registry },
    args: [...args, "--no-default-rc", "--cache-folder=/tmp/yarn"],
    env: { YARN_IGNORE_PATH: "1" },
    hosts: [...locked.hosts, ...hosts],
    // yarn's own settings can name another program.
    clean: { ".npmrc": harmlessNpmrc, ".yarnrc": null },
    leaves: "node_modules",
  };
}

async function planBerry(
  { read, named }: PlanInput,
  { lock, version }: { lock: string; version: string },
): Promise<InstallPlan | { problem: string }> {
  const rc = readYarnrc((await read(".yarnrc.yml")) ?? "");
  if (rc === null) return { problem: ".yarnrc.yml is not a YAML map. Correct it and commit it again." };
  const inRepository = rc.version === null ? null : { name: "yarn", version: rc.version, hash: null };
  const chosen = named && !named.version.startsWith("1.") ? named : inRepository;
  const program = chosen ? yarnProgram(chosen) : berryOfLockfile[version];
  if (!program)
    return {
      problem: `yarn.lock has the form ${version}, and nothing says which yarn wrote it. Name it in package.json: "packageManager": "yarn@…".`,
    };
  const locked = readBerryLockfile(lock);
  if ("problem" in locked) return locked;
  const hosts = hostsOf([rc.registries.usual ?? berryRegistry, ...rc.registries.all]);
  const registry = rc.registries.usual ?? publicRegistry;
  const programHosts = hostsOf([registry]);
  if (hosts === null || programHosts === null) return noAddress(".yarnrc.yml");
  return {
    name: "yarn install",
    program: { ...program, registry },
    args: ["install", "--immutable"],
    env: berryEnv,
    hosts: [...locked.hosts, ...hosts, ...programHosts],
    clean: { ".npmrc": harmlessNpmrc, ".yarnrc.yml": (text) => readYarnrc(text)?.harmless ?? "" },
    leaves: rc.isPnp ? "pnp" : "node_modules",
  };
}

const berryEnv = {
  YARN_IGNORE_PATH: "1",
  YARN_ENABLE_SCRIPTS: "0",
  YARN_ENABLE_TELEMETRY: "0",
  YARN_ENABLE_HARDENED_MODE: "0",
  YARN_ENABLE_PROGRESS_BARS: "0",
  YARN_ENABLE_COLORS: "0",
  YARN_ENABLE_HYPERLINKS: "0",
  YARN_HTTP_RETRY: "1",
  // Plug'n'Play loads packages from the cache: it belongs to the layer. A cache that the repository holds is used.
  YARN_ENABLE_GLOBAL_CACHE: "0",
  YARN_ENABLE_MIRROR: "0",
  YARN_CACHE_FOLDER: "{root}/.yarn/cache",
};
