import { resolve } from "node:path";
import type { CommandRun } from "../command.ts";
import { runServerTask, upFolder } from "../platform/run-server-task.ts";

/** A copy of the database: of the folder that is named, else of DATABASE_URL's, else of `up`'s own. */
const adminBackup: CommandRun<{ data?: string; offline?: boolean }> = async (context, flags, [file = ""]) => {
  const databaseUrl = flags.data ? undefined : context.config.all["DATABASE_URL"];
  await runServerTask(context, {
    name: "admin backup",
    args: ["backup", resolve(context.folder, file)],
    done: "backup.done",
    dataFolder: databaseUrl ? null : upFolder(context, flags.data),
    databaseUrl,
    isOffline: flags.offline ?? false,
  });
};
export default adminBackup;
