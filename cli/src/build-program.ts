import { Command, CommanderError } from "commander";
import type { CommandContext, CommandRow, CommandRun, GlobalFlags } from "./command.ts";
import { commands } from "./program.ts";

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
