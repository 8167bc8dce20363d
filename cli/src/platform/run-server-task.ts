import { join } from "node:path";
import type { CommandContext } from "../command.ts";
import { cleanText } from "./clean-text.ts";
import { findPart } from "./find-part.ts";
import { startChild } from "./start-child.ts";
import { asProblem } from "./start-control-plane.ts";

type Task = {
  /** The command, as `--json` names it. */
  name: string;
  args: string[];
  /** The event that tells what was done. */
  done: string;
  /** Null: DATABASE_URL alone. */
  dataFolder: string | null;
  databaseUrl: string | undefined;
  isOffline: boolean;
};

/**
 * Lets `feedback-chat-server` do something beside a running server, and tells how it went.
 * @throws Problem of the server's own
 */
export async function runServerTask(context: CommandContext, task: Task): Promise<void> {
  const { config, terminal, signal } = context;
  const part = await findPart(context, "@feedback-chat/control-plane", task.isOffline);
  // libpq's variables too: pg_dump finds its certificates and its password file by them.
  const passed = Object.entries(config.all).filter(([name]) => /^(PATH|HOME|PG[A-Z]+)$/.test(name));
  const child = startChild({
    file: part.resolve("server"),
    args: task.args,
    env: {
      ...Object.fromEntries(passed),
      ...(task.dataFolder === null ? {} : { DATA_DIR: task.dataFolder }),
      DATABASE_URL: task.databaseUrl,
      DATABASE_DIRECT_URL: task.databaseUrl && config.all["DATABASE_DIRECT_URL"],
    },
    onEvent: ({ event, table, rows }) => {
      if (event === "move.table") terminal.say(`${String(table)}: ${String(rows)} rows`);
    },
    signal,
  });
  const {
    event: _,
    at: __,
    level: ___,
    note,
    ...told
  } = await child.heard(task.done).catch((error: unknown) => {
    throw asProblem(error);
  });
  await child.exited;
  terminal.result(task.name, told);
  if (!terminal.isJson)
    terminal.data(
      `${Object.entries(told)
        .map(([name, value]) => `${name} ${cleanText(String(value))}`)
        .join("  ")}\n`,
    );
  terminal.say(String(note));
}

/** Where `up` keeps its database: `--data`, else DATA_DIR, else the user's data folder. */
export const upFolder = (context: CommandContext, data: string | undefined): string =>
  data ?? (context.config.all["DATA_DIR"] || join(context.config.dataFolder, "up"));
