import { homedir } from "node:os";
import { join } from "node:path";

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
  const home = homedir();
  const folder = (own: string | undefined, xdg: string, fallback: string) =>
    own ?? join(get(xdg) ?? join(home, fallback), "feedback-chat");
  return {
    url: get("FEEDBACK_CHAT_URL"),
    token: get("FEEDBACK_CHAT_TOKEN"),
    workerKey: get("FEEDBACK_CHAT_WORKER_KEY"),
    project: get("FEEDBACK_CHAT_PROJECT"),
    configFolder: folder(get("FEEDBACK_CHAT_CONFIG_DIR"), "XDG_CONFIG_HOME", ".config"),
    dataFolder: folder(undefined, "XDG_DATA_HOME", ".local/share"),
    cacheFolder: folder(undefined, "XDG_CACHE_HOME", ".cache"),
    stateFolder: folder(undefined, "XDG_STATE_HOME", ".local/state"),
    // Coding agents set variables of their own; they cannot answer a prompt either.
    isCi: Boolean(get("CI") ?? get("CLAUDECODE") ?? get("GITHUB_ACTIONS")),
    isInputOff: Boolean(get("FEEDBACK_CHAT_NO_INPUT")),
    isColourOff: get("NO_COLOR") !== undefined || get("TERM") === "dumb",
    stopsWithStdin: get("FEEDBACK_CHAT_STOP_WITH_STDIN") === "1",
    all: environment,
  };
}
