import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandRun } from "../command.ts";
import { runServerTask, upFolder } from "../platform/run-server-task.ts";

/** All rows from `up`'s folder to DATABASE_URL, which no argument names: it carries a password. */
const adminMove: CommandRun<{ data?: string; offline?: boolean }> = async (context, flags) => {
  const databaseUrl = context.config.all["DATABASE_URL"];
  if (!databaseUrl)
    throw new Problem("usage", "Where to? DATABASE_URL is not set.", {
      next: "Stop `up`, set DATABASE_URL to the address of a new, empty Postgres database, and run it again.",
    });
  await runServerTask(context, {
    name: "admin move",
    args: ["move"],
    done: "move.done",
    dataFolder: upFolder(context, flags.data),
    databaseUrl,
    isOffline: flags.offline ?? false,
  });
};
export default adminMove;
