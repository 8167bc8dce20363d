import { harmlessNpmrc, registriesOf } from "./harmless-npmrc.ts";
import { hostsOf, noAddress, publicRegistry, type Planned, type PlanInput } from "./install-plan.ts";
import { readNpmLockfile } from "./read-lockfile.ts";

/** npm of the worker, by npm-shrinkwrap.json or package-lock.json. */
export async function planNpm({ read }: PlanInput): Planned {
  for (const file of ["npm-shrinkwrap.json", "package-lock.json"]) {
    const lock = await read(file);
    if (lock === null) continue;
    const locked = readNpmLockfile(lock, file);
    if ("problem" in locked) return locked;
    const { usual, all } = registriesOf((await read(".npmrc")) ?? "");
    // npm asks its registry where the lockfile leaves an address or, out of date, a package out.
    const registries = hostsOf([...all, ...(usual === null ? [publicRegistry] : [])]);
    if (registries === null) return noAddress(".npmrc");
    return {
      name: "npm ci",
      program: null,
      args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache=/tmp/npm"],
      env: {},
      hosts: [...locked.hosts, ...registries],
      clean: { ".npmrc": harmlessNpmrc },
      leaves: "node_modules",
    };
  }
  return null;
}
