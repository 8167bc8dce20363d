import type { OpenedRegistries } from "../core/opened-registries.ts";

/** One far end that a lockfile names. */
export type RegistryHost = { protocol: "http:" | "https:"; hostname: string; port: number };

/** A host (`name:port`) that the exit did not lead to: nobody named it, it stands at no public address, or nobody here knows where. */
export type Refusal = { host: string; why: "not_named" | "not_public" | "not_resolved" };

/** The only exit of the fetch sandbox. */
export type RegistryExit = AsyncDisposable & {
  /** Aborts at the first refusal: package managers retry one for minutes. */
  readonly atRefusal: AbortSignal;
  refused(): Refusal[];
  /** PEM: who else is trusted on the way, such as a company's own authority; null = nobody. */
  readonly certificates: string | null;
  /** Hosts that were named but not reached, with the cause: `registry.example:443: the name was not found`. */
  unreached(): string[];
};

export type OpenRegistry = (input: {
  socketPath: string;
  hosts: RegistryHost[];
  /** Hosts inside our own network too. */
  allowsPrivate: boolean;
  /** What the worker's owner opened beside the public internet; nothing unless given. */
  opened?: OpenedRegistries;
}) => Promise<RegistryExit>;
