import type { CliConfig } from "./config.ts";
import type { Terminal } from "./platform/terminal.ts";

/** Flags that every command has. */
export type GlobalFlags = {
  json?: boolean;
  cwd?: string;
  quiet?: boolean;
  verbose?: boolean;
  input?: boolean;
  profile?: string;
  url?: string;
  project?: string;
};

/** What a command is given: its only way to the outside. */
export type CommandContext = {
  terminal: Terminal;
  config: CliConfig;
  flags: GlobalFlags;
  /** Folder to work in: `--cwd`, else where we were started. */
  folder: string;
  /** Fires at Ctrl-C or SIGTERM, with the signal's name as its reason. A second one is told by `onSecondSignal`. */
  signal: AbortSignal;
  onSecondSignal(call: () => void): void;
  version: string;
};

/** Does the work; what it returns is the exit code (default 0). */
export type CommandRun<F = Record<string, unknown>> = (
  context: CommandContext,
  flags: F,
  args: string[],
) => Promise<number | void>;

/** One row of the table of commands. The module is imported when the command runs, not before. */
export type CommandRow = {
  name: string;
  summary: string;
  arguments?: string;
  options?: readonly (readonly [flags: string, description: string, fallback?: string])[];
  /** Shows `--url` and `--project` and their meaning. */
  isRemote?: boolean;
  load: () => Promise<{ default: CommandRun<never> }>;
};
