/** One far end that a lockfile names. */
export type RegistryHost = { protocol: "http:" | "https:"; hostname: string; port: number };

/** The only exit of the fetch sandbox; `refused` names what somebody wanted to reach besides. */
export type RegistryExit = AsyncDisposable & { refused(): string[] };

export type OpenRegistry = (input: {
  socketPath: string;
  hosts: RegistryHost[];
  /** Hosts inside our own network too. */
  allowsPrivate: boolean;
}) => Promise<RegistryExit>;
