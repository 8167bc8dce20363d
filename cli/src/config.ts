import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { ignoring } from "./platform/ignoring.ts";

/** The environment as the CLI reads it: once, here. Empty means unset. */
export type CliConfig = {
  url: string | undefined;
  token: string | undefined;
  workerKey: string | undefined;
  project: string | undefined;
  configFolder: string;
  dataFolder: string;
  cacheFolder: string;
  stateFolder: string;
  isCi: boolean;
  isInputOff: boolean;
  isColourOff: boolean;
  /** Set by `up` and `demo` for the worker that they start. */
  stopsWithStdin: boolean;
  /** Everything, for the parts that we start: they parse their own. */
  all: Record<string, string | undefined>;
};

export function parseCliConfig(environment: Record<string, string | undefined>): CliConfig {
  const get = (name: string) => environment[name] || undefined;
  const folder = (own: string | undefined, xdg: string, fallback: string) =>
    own ?? join(get(xdg) ?? join(homeFolder(), fallback), "feedback-chat");
  return {
    url: get("FEEDBACK_CHAT_URL"),
    token: get("FEEDBACK_CHAT_TOKEN"),
    workerKey: get("FEEDBACK_CHAT_WORKER_KEY"),
    project: get("FEEDBACK_CHAT_PROJECT"),
    // Asked for where they are used: without a home `--help` still answers.
    get configFolder() {
      return folder(get("FEEDBACK_CHAT_CONFIG_DIR"), "XDG_CONFIG_HOME", ".config");
    },
    get dataFolder() {
      return folder(undefined, "XDG_DATA_HOME", ".local/share");
    },
    get cacheFolder() {
      return folder(undefined, "XDG_CACHE_HOME", ".cache");
    },
    get stateFolder() {
      return folder(undefined, "XDG_STATE_HOME", ".local/state");
    },
    // Coding agents set variables of their own; they cannot answer a prompt either.
    isCi: Boolean(get("CI") ?? get("CLAUDECODE") ?? get("GITHUB_ACTIONS")),
    isInputOff: Boolean(get("FEEDBACK_CHAT_NO_INPUT")),
    isColourOff: get("NO_COLOR") !== undefined || get("TERM") === "dumb",
    stopsWithStdin: get("FEEDBACK_CHAT_STOP_WITH_STDIN") === "1",
    all: environment,
  };
}

/** @throws Problem validation_failed: a relative path would put files wherever the command was started. */
function homeFolder(): string {
  // The user may have no entry of their own, as in some containers.
  const home = ignoring(["ERR_SYSTEM_ERROR"], homedir, "");
  if (isAbsolute(home)) return home;
  throw new Problem("validation_failed", "HOME does not name a folder, and the system knows none for this user.", {
    next: "Set HOME to a folder that this user may write.",
  });
}
