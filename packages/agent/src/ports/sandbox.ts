/**
 * The walls around whatever a stranger's words may start. Obligations (the contract suite proves them):
 * nothing of the host's environment, homes, processes or network is reachable inside; the system is read-only;
 * only the mounts that are named are seen; when the first process ends, all processes inside have ended.
 */
export interface Sandbox {
  readonly id: string;
  /** Which mechanisms hold here, for `check --sandbox`. @throws Problem sandbox_unavailable, with the remedy. */
  probe(): Promise<SandboxFacts>;
  /**
   * Makes the folders of one job (work tree, HOME, task), owned by the sandbox's unprivileged uid.
   * `close()` ends what still runs and removes them; so does the start of the next worker after a crash.
   */
  open(job: JobName): Promise<SandboxJob>;
  /** Ends and removes what earlier processes of this worker left behind. */
  sweep(): Promise<{ removed: string[] }>;
}

export type JobName = {
  name: string;
  slot: number;
  /**
   * Runs as the same user as this job, which must be closed later: the owner of the layers that are to be written to.
   * Default: a user of its own, where the worker can give one.
   */
  userOf?: Pick<SandboxJob, "uid"> | null;
};

export type SandboxFacts = {
  mechanism: string;
  version: string;
  runsAs: number;
  /** What holds each limit here, in words for people. */
  limits: { memory: string; processes: string; files: string; disk: string; processor: string };
  /** How an installed layer is made writable, in words for people. */
  layers: string;
};

/** Folders on the host; inside they are always `/task`, `/work` and `/home/agent`. */
export interface SandboxJob extends AsyncDisposable {
  /** The user that it runs as, on the host. */
  readonly uid: number;
  readonly treeFolder: string;
  readonly taskFolder: string;
  /** A folder for the proxy's socket on the host, seen inside as `/run/feedback-chat` when mounted. */
  readonly socketFolder: string;
  /** Gives the files below `folder` (one of the above) to the sandbox's uid. Only while nothing runs inside. */
  own(folder: string): Promise<void>;
  /**
   * Puts a file into the task folder, readable inside. Whatever an earlier run left under that name
   * (a symlink to the host, a pipe) is replaced, never followed.
   */
  writeTask(name: string, content: string | Uint8Array): Promise<void>;
  /** Reads a regular file of the task folder that what ran inside may have written; null for anything else or more. */
  readTask(name: string, maxBytes: number): Promise<Uint8Array | null>;
  /** Starts a command. @throws Problem sandbox_unavailable when the walls cannot be built. */
  run(spec: SandboxSpec): SandboxRun;
}

export type SandboxSpec = {
  argv: string[];
  /** Inside path; default `/work`. */
  workingFolder?: string;
  /** All of the environment besides PATH, HOME, LANG, TMPDIR. */
  env: Record<string, string>;
  /** Written to stdin, which is then ended. */
  stdin: string;
  /** The work tree can be read only. */
  isTreeReadOnly?: boolean;
  /** Shows `socketFolder` inside: the only exit. */
  hasModelSocket?: boolean;
  /** Further folders of ours, read-only, such as Node and the engine's binary. Never from a home. */
  readOnlyMounts: { host: string; inside: string }[];
  /**
   * Folders that can be written to inside and never change on the host, such as node_modules: the writes go to the
   * job's own folder. Its later runs find them there, no other job does, and they are gone when it is closed. Where the
   * kernel has no overlays only `cacheFolders` can be written to. One run at a time.
   */
  layers?: { host: string; inside: string }[];
  limits: SandboxLimits;
  /** Ends everything inside within 2 seconds. */
  signal: AbortSignal;
};

export type SandboxLimits = {
  wallSeconds: number;
  memoryBytes: number;
  processes: number;
  fileBytes: number;
  /** Of tmp and HOME together. */
  scratchBytes: number;
  /** By how much work tree, task folder and layers may grow together; 4 GiB unless said, less on a small disk. */
  treeBytes?: number;
  /** And by how many files; 500,000 unless said. */
  treeFiles?: number;
};

export interface SandboxRun {
  /** Bytes as they come; ends with the process. Backpressure holds the process, never memory. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly ended: Promise<SandboxEnd>;
}

export type SandboxEnd = {
  exitCode: number | null;
  /** `exit` by itself; else what ended it: a limit (`resources`), the clock, or the caller's signal. */
  by: "exit" | "resources" | "time" | "signal";
  detail: string;
};
