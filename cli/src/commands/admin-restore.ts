import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandRun } from "../command.ts";
import { runServerTask, upFolder } from "../platform/run-server-task.ts";

/** A copy into an empty database: of the folder that is named, else DATABASE_URL's, else `up`'s own. */
const adminRestore: CommandRun<{ data?: string; offline?: boolean }> = async (context, flags, [file = ""]) => {
  const path = resolve(context.folder, file);
  if (!existsSync(path))
    throw new Problem("not_found", `There is no file ${path}.`, { next: "Name a copy that `admin backup` made." });
  const databaseUrl = flags.data ? undefined : context.config.all["DATABASE_URL"];
  await runServerTask(context, {
    name: "admin restore",
    args: ["restore", path],
    done: "restore.done",
    dataFolder: databaseUrl ? null : upFolder(context, flags.data),
    databaseUrl,
    isOffline: flags.offline ?? false,
  });
};
export default adminRestore;
