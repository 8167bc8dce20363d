import { harmlessBunfig, registriesOfBunfig } from "./harmless-bunfig.ts";
import { harmlessNpmrc, registriesOf } from "./harmless-npmrc.ts";
import { hostsOf, noAddress, publicRegistry, type Planned, type PlanInput } from "./install-plan.ts";
import { bunProgram } from "./package-program.ts";
import { readBunLockfile } from "./read-lockfile.ts";

const args = ["install", "--frozen-lockfile", "--ignore-scripts", "--no-progress", "--backend=copyfile"];

export async function planBun({ read, named, architecture }: PlanInput): Planned {
  const lock = await read("bun.lock");
  if (lock === null) return (await read("bun.lockb")) === null ? null : { problem: binary };
  const locked = readBunLockfile(lock);
  if ("problem" in locked) return locked;
  const bunfig = registriesOfBunfig((await read("bunfig.toml")) ?? "");
  const npmrc = registriesOf((await read(".npmrc")) ?? "");
  const registry = bunfig.usual ?? npmrc.usual ?? publicRegistry;
  const hosts = hostsOf([registry, ...bunfig.all, ...npmrc.all]);
  if (hosts === null) return noAddress("bunfig.toml or .npmrc");
  return {
    name: "bun install",
    program: { ...bunProgram(named, architecture), registry },
    args: [...args, "--cache-dir=/tmp/bun"],
    env: { DO_NOT_TRACK: "1" },
    hosts: [...locked.hosts, ...hosts],
    clean: { ".npmrc": harmlessNpmrc, "bunfig.toml": harmlessBunfig },
    leaves: "node_modules",
  };
}

const binary =
  "bun.lockb is binary and is not read. Run `bun install --save-text-lockfile --frozen-lockfile --lockfile-only` and commit bun.lock.";
