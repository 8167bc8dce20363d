import type { RegistryHost } from "../ports/registry.ts";
import type { Architecture, NamedProgram, PackageProgram } from "./package-program.ts";
import { hostOf } from "./read-lockfile.ts";

export type InstallPlan = {
  /** What is said to the user: `npm ci`. */
  name: string;
  /** Fetched first, from this registry; null = npm, which is there. */
  program: (PackageProgram & { registry: string }) | null;
  args: string[];
  /** Besides what every fetch gets; `{root}` in a value stands for the folder of the install. */
  env: Record<string, string>;
  hosts: RegistryHost[];
  /** What the fetch sandbox sees of a settings file, from the root of the repository down; null = nothing. */
  clean: Record<string, ((text: string) => string) | null>;
  /** Where packages lie afterwards. */
  leaves: "node_modules" | "pnp";
};

/** Reads a file of the base commit, beside the lockfile. */
export type ReadBase = (name: string) => Promise<string | null>;

export type PlanInput = {
  read: ReadBase;
  /** What package.json names, if it is this manager's. */
  named: NamedProgram | null;
  architecture: Architecture;
};
/** null when there is no lockfile of this manager. */
export type Planned = Promise<InstallPlan | { problem: string } | null>;

export const publicRegistry = "https://registry.npmjs.org/";

/** The hosts of the registries that settings of the base name; null when one has no address. */
export function hostsOf(registries: string[]): RegistryHost[] | null {
  const hosts = registries.map(hostOf);
  return hosts.every((host) => host !== null) ? hosts : null;
}

export function noAddress(file: string): { problem: string } {
  return { problem: `${file} names a registry that has no http(s) address. Write its whole address there.` };
}
