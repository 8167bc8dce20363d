import { Command, CommanderError } from "commander";
import type { CommandContext, CommandRow, CommandRun, GlobalFlags } from "./command.ts";
import { adminRows } from "./commands/admin-rows.ts";

/** Every command: name, arguments, flags, help. */
export const commands: CommandRow[] = [
  {
    name: "demo",
    summary: "the whole loop offline, on real parts, in a temporary folder",
    options: [
      ["--keep", "stay up until Ctrl-C and leave the folder"],
      ["--live", "your own ANTHROPIC_API_KEY instead of the scripted model"],
      ["--offline", "never fetch a missing part; say what is missing"],
    ],
    load: () => import("./commands/demo.ts"),
  },
  {
    name: "up",
    summary: "control plane, database, dashboard and worker on this machine",
    options: [
      ["--port <number>", "port of the control plane", "4100"],
      ["--host <address>", "address to listen on", "127.0.0.1"],
      ["--data <folder>", "database, keys and first login"],
      ["--no-worker", "the control plane only"],
      ["--public-url <url>", "the https address that people and GitHub use"],
      ["--insecure-http", "allow to listen beyond loopback without https"],
      ["--offline", "never fetch a missing part"],
    ],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "worker",
    summary: "take jobs from a control plane and do them on this machine",
    isRemote: true,
    options: [
      ["--once", "end after one job, or at once when none waits"],
      ["--concurrency <n>", "jobs at once", "1"],
      ["--name <name>", "shown in lists"],
      ["--health-port <port>", "/healthz and /metrics on loopback"],
      ["--drain-timeout <minutes>", "time for running jobs after the first SIGTERM", "15"],
      ["--offline", "never fetch a missing part"],
    ],
    load: () => import("./commands/worker.ts"),
  },
  {
    name: "run",
    summary: "one issue to a pull request, here, without a control plane",
    arguments: "[issue]",
    options: [
      ["--repo <owner/name>", "the repository; default: the folder's remote"],
      ["--base <branch>", "branch to start from; default: the repository's own"],
      ["--budget <usd>", "ceiling of this run", "2"],
      ["--publish <when>", "ask, hold or auto"],
      ["--resume <run>", "go on with a run that was interrupted, is held, or asked its question"],
      ["--answer <text>", "with --resume: the answer to the run's question"],
      ["--reject", "with --resume: end the run for good; nothing is pushed"],
      ["--offline", "never fetch a missing part"],
    ],
    load: () => import("./commands/run.ts"),
  },
  {
    name: "check",
    summary: "what would keep this machine from running jobs",
    options: [
      ["--sandbox", "try to get out of the sandbox, as the worker does before its first job"],
      ["--offline", "never fetch a missing part"],
    ],
    load: () => import("./commands/check.ts"),
  },
  {
    name: "login",
    summary: "let this machine's command line in; you approve its code in any browser",
    isRemote: true,
    options: [["--token-stdin", "read a token from stdin instead"]],
    load: () => import("./commands/login.ts"),
  },
  {
    name: "logout",
    summary: "revoke this machine's token and forget it",
    isRemote: true,
    options: [["--local", "only forget it, such as when the server is gone"]],
    load: () => import("./commands/logout.ts"),
  },
  {
    name: "whoami",
    summary: "who is logged in, where, and with which role",
    isRemote: true,
    load: () => import("./commands/whoami.ts"),
  },
  {
    name: "logs",
    summary: "a run's log; the newest run if none is named",
    arguments: "[run]",
    isRemote: true,
    options: [
      ["-f, --follow", "go on until the run is final; ends with the run's exit code"],
      ["--tail <n>", "only the last n lines"],
      ["--level <level>", "debug, info, warn or error and above"],
    ],
    load: () => import("./commands/logs.ts"),
  },
  {
    name: "runs list",
    summary: "the newest runs of a project",
    isRemote: true,
    options: [["--limit <n>", "how many", "20"]],
    load: () => import("./commands/runs-list.ts"),
  },
  {
    name: "runs show",
    summary: "one run with its timeline",
    arguments: "<run>",
    isRemote: true,
    load: () => import("./commands/runs-show.ts"),
  },
  {
    name: "runs action",
    summary: "retry, approve, reject, request_changes, answer or cancel",
    arguments: "<run> <action>",
    isRemote: true,
    options: [
      ["--comment <text>", "what to change, the answer, or why"],
      ["--expect-stage <stage>", "do nothing if the run has moved on"],
    ],
    load: () => import("./commands/runs-action.ts"),
  },
  {
    name: "runs release-question",
    summary: "let a private repository's question out to its issue and reporter",
    arguments: "<run>",
    isRemote: true,
    load: () => import("./commands/runs-release-question.ts"),
  },
  {
    name: "projects list",
    summary: "your projects",
    isRemote: true,
    load: () => import("./commands/projects-list.ts"),
  },
  {
    name: "projects create",
    summary: "a project for one repository; prints its webhook and key once",
    isRemote: true,
    options: [
      ["--name <name>", "default: the repository's name"],
      ["--repo <owner/name>", "the GitHub repository"],
    ],
    load: () => import("./commands/projects-create.ts"),
  },
  {
    name: "credentials set",
    summary: "anthropic_api_key or github_token; asks for the value or reads it with --stdin",
    arguments: "<type>",
    isRemote: true,
    options: [["--stdin", "read the value from stdin"]],
    load: () => import("./commands/credentials-set.ts"),
  },
  {
    name: "github connect",
    summary: "connect the project by the GitHub App instead of a token; names the pages and waits",
    isRemote: true,
    options: [["--no-wait", "name the page and end with 8 if nobody has connected it yet"]],
    load: () => import("./commands/github-connect.ts"),
  },
  {
    name: "keys create",
    summary: "a worker key, printed once, alone, on stdout",
    isRemote: true,
    options: [
      ["--worker", "a key for `feedback-chat worker`"],
      ["--name <name>", "what it is for"],
    ],
    load: () => import("./commands/keys-create.ts"),
  },
  ...adminRows,
];

type Start = (
  row: CommandRow,
  global: GlobalFlags,
  run: (context: CommandContext) => Promise<number | void>,
) => Promise<void>;

/** Builds the command line. `start` makes the context, runs the command and tells its end. */
export function buildProgram(version: string, start: Start): Command {
  const program = withGlobalFlags(new Command("feedback-chat"))
    .description("What a user says in your app becomes a pull request you can trust.")
    .version(version, "-V, --version")
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // main.ts prints errors, also as JSON
    .showSuggestionAfterError();
  const groups = new Map<string, Command>();
  for (const row of commands) {
    const [first = "", second] = row.name.split(" ");
    const parent = second ? (groups.get(first) ?? program.command(first).description(`${first}: see --help`)) : program;
    if (second) groups.set(first, parent);
    addCommand(parent, second ?? first, row, start);
  }
  return program;
}

function addCommand(parent: Command, name: string, row: CommandRow, start: Start): void {
  const command = withGlobalFlags(parent.command(row.arguments ? `${name} ${row.arguments}` : name)).description(
    row.summary,
  );
  if (row.isRemote) {
    command.option("--url <url>", "the control plane").option("--project <id>", "the project");
  }
  for (const [flags, description, fallback] of row.options ?? []) command.option(flags, description, fallback);
  command.exitOverride().configureOutput({ outputError: () => {} });
  command.action(async (...all: unknown[]) => {
    const self = all.at(-1) as Command;
    const args = (all.slice(0, -2) as (string | undefined)[]).filter((value) => value !== undefined);
    const flags = self.optsWithGlobals();
    await start(row, flags as GlobalFlags, async (context) => {
      const { default: run } = await row.load();
      return (run as unknown as CommandRun)(context, flags, args);
    });
  });
}

function withGlobalFlags(command: Command): Command {
  return command
    .option("--json", "one object (or a line per event) on stdout")
    .option("-C, --cwd <folder>", "work in this folder")
    .option("-q, --quiet", "data and errors only")
    .option("--verbose", "also stacks and sources")
    .option("--no-input", "never ask")
    .option("--no-color", "no colours")
    .option("--profile <name>", "which stored login");
}

/** True for `--help` and `--version`: commander has printed them, nothing failed. */
export function isPlainEnd(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}
