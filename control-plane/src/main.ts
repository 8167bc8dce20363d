import { fileURLToPath } from "node:url";
import { isProblem, Problem, problems, toProblemDetails } from "@feedback-chat/protocol/problem";
import { backUp, embeddedIn } from "./admin/back-up.ts";
import { moveDatabase } from "./admin/move-database.ts";
import { restore } from "./admin/restore.ts";
import { type Config, parseConfig } from "./config.ts";
import { asStartProblem } from "./platform/as-start-problem.ts";
import { jsonLog } from "./platform/log.ts";
import { openDatabase } from "./platform/open-database.ts";
import { packageVersion } from "./platform/package-version.ts";
import { useNetwork } from "./platform/use-network.ts";
import { prepareSchema } from "./prepare-schema.ts";
import { helpText, readArguments, type Task } from "./read-arguments.ts";
import { startServer } from "./start-server.ts";

// Beside `src` in the repository and beside `dist` in the package.
const inPackage = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const migrationsFolder = inPackage("migrations");
const log = jsonLog(
  (line) => process.stdout.write(line),
  () => new Date(),
);

try {
  const task = readArguments(process.argv.slice(2));
  if (task.kind === "help") process.stdout.write(helpText);
  else if (task.kind === "version") process.stdout.write(`${packageVersion}\n`);
  else if (task.kind === "serve") await serve(task.migrates);
  else await administer(task);
} catch (error) {
  fail(error);
}

async function serve(migrates: boolean): Promise<void> {
  const config = parseConfig(process.env);
  refuseMemory(config);
  useNetwork(config);
  const dashboardFolder = inPackage("dist/dashboard");
  const server = await startServer({ log }, { config, migrates, migrationsFolder, dashboardFolder });
  const close = (why: string) => {
    log.info("server.closing", { why });
    // What waits for an answer from outside may wait long. It is begun anew by the next process, so nothing is lost.
    setTimeout(() => {
      log.warn("server.close_cut_short", { seconds: config.figures.closeSeconds });
      process.exit(0);
    }, config.figures.closeSeconds * 1_000).unref();
    server.close().then(() => process.exit(0), fail);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => close(signal));
  // Our starter holds the other end of stdin: it closes even when that process was killed, and no orphan stays.
  if (config.stopsWithStdin) process.stdin.once("end", () => close("stdin")).resume();
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
}

/** Without either the database lies in memory, which is for tests: everything would be gone with this process. */
function refuseMemory({ databaseUrl, dataFolder }: Config): void {
  if (databaseUrl || dataFolder) return;
  throw new Problem("usage", "There is no place for the data: neither DATABASE_URL nor DATA_DIR is set.", {
    next: "Set DATABASE_URL to the address of a Postgres, or DATA_DIR to a folder for the embedded one.",
  });
}

/** Beside a server, or before one starts. */
async function administer(task: Exclude<Task, { kind: "help" | "version" | "serve" }>): Promise<void> {
  const config = parseConfig(process.env);
  const open = (change: Partial<typeof config> = {}) => openDatabase({ log }, { ...config, ...change });
  // Postgres' own programs keep a session, which a pooler gives to nobody.
  const direct = { ...config, databaseUrl: config.databaseUrl && (config.databaseDirectUrl ?? config.databaseUrl) };
  if (task.kind === "backup") return backUp({ log, environment: process.env }, { ...direct, file: task.file });
  if (task.kind === "restore")
    return restore(
      { log, environment: process.env, openServerDatabase: () => open(direct) },
      { ...direct, migrationsFolder, file: task.file },
    );
  if (task.kind === "move") {
    if (!config.databaseUrl)
      throw new Problem("usage", "Where to? DATABASE_URL is not set.", {
        next: "Set it to the address of a new, empty database.",
      });
    await using from = await open({ databaseUrl: undefined, dataFolder: embeddedIn(config.dataFolder) });
    await using to = await open();
    for (const database of [from, to]) await prepareSchema({ database, log }, migrationsFolder);
    return await moveDatabase({ log }, { from, to });
  }
  refuseMemory(config);
  await using database = await open();
  await prepareSchema({ database, log }, migrationsFolder);
}

/** One line for machines, one sentence for people, and the exit code of the problem. A bug ends the process too. */
function fail(error: unknown): never {
  const problem = asStartProblem(error);
  if (!isProblem(problem)) {
    log.error("server.bug", { error: problem });
    const said = problem instanceof Error ? problem.message : JSON.stringify(problem);
    process.stderr.write(`The server stopped because of a bug: ${said}\n`);
    process.exit(1);
  }
  log.error("server.failed", { problem: toProblemDetails(problem, "start") });
  process.stderr.write(`${problem.message} ${problem.next}\n`);
  process.exit(problems[problem.code].exitCode);
}
