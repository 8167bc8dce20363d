import type { RunSettings } from "@feedback-chat/protocol/job";
import * as z from "zod";
import type { Level } from "../ports/engine.ts";
import type { RunRepository } from "../ports/git.ts";
import type { OpenRegistry } from "../ports/registry.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import { fetchPackages } from "./fetch-packages.ts";
import { pathIn } from "./find-checks.ts";
import { planInstall } from "./plan-install.ts";

/** What is mounted, read-only, into the sandboxes of agent and checks so that the project can be built there. */
export type Layers = AsyncDisposable & {
  mounts: { host: string; inside: string }[];
  /** Inside paths that go before PATH. */
  binFolders: string[];
  /** Of all that is mounted; null when it is not known: then nothing that ran with it is kept for later runs. */
  hash: string | null;
  /** Everything that the base needs is there; also true when it needs nothing. */
  isBuilt: boolean;
  /** For the evidence, such as "not built: …". */
  note: string | null;
};

export type DependenciesDeps = {
  sandbox: Sandbox;
  openRegistry: OpenRegistry;
  signal: AbortSignal;
  log(level: Level, message: string): void;
};
export type DependenciesInput = {
  repository: RunRepository;
  settings: Pick<RunSettings, "subFolder">;
  /** Name and slot of the fetch sandbox. */
  job: { name: string; slot: number };
  /** A registry in the worker's own network may be reached. Default: public ones only. */
  allowsPrivateRegistry?: boolean;
};

const packageJson = z.object({
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
  workspaces: z.unknown().optional(),
});

/**
 * Fetches what the base's lockfile names, before any agent runs. A project without dependencies needs nothing. When it
 * cannot be done the run goes on, and `note` says so. Close it after the last sandbox that mounts it.
 */
export async function prepareDependencies(deps: DependenciesDeps, input: DependenciesInput): Promise<Layers> {
  const { repository, settings } = input;
  const { subFolder } = settings;
  const read = async (name: string) => textOf(await repository.readFile(repository.baseSha, pathIn(subFolder, name)));
  const manifest = await read("package.json");
  if (manifest === null || !needsPackages(manifest)) return nothingNeeded;
  const plan = await planInstall(read, jsonOrNothing(manifest));
  if ("problem" in plan) return tell(deps, plan.problem);
  const fetched = await fetchPackages(deps, {
    repository,
    subFolder,
    plan,
    job: input.job,
    allowsPrivateRegistry: input.allowsPrivateRegistry ?? false,
  });
  if ("problem" in fetched) return tell(deps, fetched.problem);
  return {
    mounts: fetched.mounts,
    binFolders: fetched.binFolders,
    hash: null,
    isBuilt: true,
    note: null,
    [Symbol.asyncDispose]: () => fetched.job[Symbol.asyncDispose](),
  };
}

const nothingToClose = { [Symbol.asyncDispose]: async () => {} };

export const nothingNeeded: Layers = {
  mounts: [],
  binFolders: [],
  hash: "nothing",
  isBuilt: true,
  note: null,
  ...nothingToClose,
};

export function notBuilt(why: string): Layers {
  return {
    mounts: [],
    binFolders: [],
    hash: null,
    isBuilt: false,
    note: `not built: ${why}`,
    ...nothingToClose,
  };
}

function tell({ log }: DependenciesDeps, why: string): Layers {
  log("warn", `Dependencies not built: ${why}`);
  return notBuilt(why);
}

function needsPackages(text: string): boolean {
  const parsed = packageJson.safeParse(jsonOrNothing(text));
  if (!parsed.success) return false;
  const { workspaces, ...groups } = parsed.data;
  return workspaces !== undefined || Object.values(groups).some((group) => Object.keys(group ?? {}).length > 0);
}

function textOf(bytes: Uint8Array | null): string | null {
  return (
    bytes &&
    Buffer.from(bytes)
      .toString("utf8")
      .replace(/^\ufeff/, "")
  );
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
