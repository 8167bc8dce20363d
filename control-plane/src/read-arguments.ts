import { parseArgs } from "node:util";
import { Problem } from "@feedback-chat/protocol/problem";

/** What this process is asked to be. */
export type Task =
  | { kind: "help" }
  | { kind: "version" }
  | { kind: "migrate" }
  | { kind: "move" }
  | { kind: "backup" | "restore"; file: string }
  | { kind: "serve"; migrates: boolean };

export const helpText = `feedback-chat-server: API, dashboard and background work over one Postgres

  feedback-chat-server                  serve; any number of replicas may share one DATABASE_URL
  feedback-chat-server --no-migrate     serve, but change no schema: refuse to start on an older one
  feedback-chat-server --migrate-only   bring the schema up to this version, then end
  feedback-chat-server backup FILE      a consistent copy of the database, without the master key
  feedback-chat-server restore FILE     such a copy into an empty database
  feedback-chat-server move             all rows of the embedded database in DATA_DIR to the empty DATABASE_URL
  feedback-chat-server --help, --version

Settings come from the environment: DATABASE_URL, DATA_DIR, MASTER_KEY, PUBLIC_URL, HOST, PORT, MODE=self|hosted, ...
(docs/configuration.md). Logs: a line of JSON each on stdout; sentences for people on stderr.

Ends with 0 stopped or done, 1 failed, 2 settings or arguments wrong, 6 port or folder taken, database not empty, 7 database away.
`;

const options = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
  "migrate-only": { type: "boolean" },
  "no-migrate": { type: "boolean" },
} as const;

/** @throws Problem usage */
export function readArguments(args: readonly string[]): Task {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: "help" };
  if (values.version) return { kind: "version" };
  const [verb, file, ...more] = positionals;
  if (verb === "move" && file === undefined) return { kind: verb };
  if ((verb === "backup" || verb === "restore") && more.length === 0) {
    if (!file) throw usage(`${verb} needs the name of a file.`);
    return { kind: verb, file };
  }
  if (verb !== undefined) throw usage(`There is no "${positionals.join(" ").slice(0, 100)}".`);
  if (values["migrate-only"] && values["no-migrate"])
    throw usage("--migrate-only and --no-migrate ask for opposite things.");
  return values["migrate-only"] ? { kind: "migrate" } : { kind: "serve", migrates: !values["no-migrate"] };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS_")) throw error;
    throw usage((error as Error).message.split(". ")[0] + ".", error);
  }
}

const usage = (detail: string, cause?: unknown) =>
  new Problem("usage", detail, { next: "See `feedback-chat-server --help`.", cause });
